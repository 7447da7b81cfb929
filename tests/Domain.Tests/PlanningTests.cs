using CsCheck;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Migrations;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain.Tests;

public sealed class PlanningTests
{
    [Fact]
    public void A_job_starts_with_the_machine_that_completes_its_number()
    {
        var ledger = new Ledger();
        ledger.Append(new Decision(ledger.World).OnJob("gpt", job => job.Submit(Ledger.Spec(dp: 2))));
        ledger.Announce("m0", MachineRole.Training, 1000).ShouldBe([new MachineRegistered("m0", MachineRole.Training, "127.0.0.1", 1000)]);
        ledger.Announce("s0", MachineRole.Standby, 2000).Count.ShouldBe(1);
        ledger.Announce("m1", MachineRole.Training, 1001).Select(@event => @event.GetType())
            .ShouldBe([typeof(MachineRegistered), typeof(MachineAssigned), typeof(JobStarted), typeof(StandbyAssigned), typeof(MachineAssigned)], ignoreOrder: true);
        ledger.Plan().ShouldBeEmpty();
    }

    [Fact]
    public void Notice_takes_the_elastic_machine_and_keeps_the_standby() =>
        Joiner(Ledger.WithRunningJob(), InterruptionKind.Expected, "m0").ShouldBe(["e0"]);

    [Fact]
    public void A_failure_takes_the_standby_that_is_warm() =>
        Joiner(Ledger.WithRunningJob(), InterruptionKind.Unexpected, "m0").ShouldBe(["s0"]);

    [Fact]
    public void Two_failures_are_planned_together() =>
        Joiner(Ledger.WithRunningJob(), InterruptionKind.Unexpected, "m0", "m2").ShouldBe(["s0", "e0"]);

    [Fact]
    public void A_machine_that_one_plan_has_reserved_is_no_other_plans()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        var reserved = ledger.Plan().OfType<MachineReserved>().Single();
        Should.Throw<DomainRuleException>(() => ledger.World.Machine(reserved.MachineId).Reserve("another")).Message.ShouldContain($"Reserved by {reserved.MigrationId}");
        JoinerSelection.Rank(ledger.World.Job("gpt"), ledger.World.Machines, InterruptionKind.Expected, new HashSet<string>(), wanted: 3)
            .Single(candidate => candidate.MachineId == reserved.MachineId)
            .ShouldBe(new Candidate(reserved.MachineId, -1, false, $"it is reserved by {reserved.MigrationId}"));
    }

    [Fact]
    public void A_plan_says_why_each_candidate_was_taken_or_not()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
        plan.Candidates.ShouldBe(
        [
            new Candidate("s0", 100, true, "a standby that is warm and proven on this job"),
            new Candidate("e0", 60, false, "not pre-warmed; the fallback when no standby is left"),
        ]);
        plan.MigrationId.ShouldBe("gpt-g2");
        plan.StateSource.ShouldBe(StateSource.DataParallelPeer);
    }

    [Fact]
    public void Without_a_machine_to_spare_the_interruption_stays_open_until_one_comes()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Append(new Decision(ledger.World).OnMachine("s0", machine => machine.Quarantine("broken", null)).OnMachine("e0", machine => machine.Quarantine("broken", null)));
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        ledger.Plan().ShouldBeEmpty();
        ledger.Announce("e1", MachineRole.Elastic, 4000);
        ledger.Plan().ShouldBeEmpty();
        ledger.Events.OfType<MigrationPlanned>().Single().Plan.Moves.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            move => (move.Leaver, move.Joiner).ShouldBe(("m0", "e1")), move => move.Ranks.ShouldBe([0]));
    }

    [Fact]
    public void A_machine_without_a_worker_is_not_chosen_until_the_next_one_is_announced()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.LoseWorker("s0", 2000).ShouldBe([new MachineWorkerLost("s0", 2100, "The worker was killed by signal 9.")]);
        ledger.LoseWorker("m1", 1001).ShouldBeEmpty();
        ledger.LoseWorker("e0", 3000).Count.ShouldBe(1);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        ledger.Plan().ShouldBeEmpty();
        ledger.Announce("s0", MachineRole.Standby, 2000).OfType<MigrationPlanned>().ShouldHaveSingleItem().Plan.Moves.Single().Joiner.ShouldBe("s0");
    }

    [Fact]
    public void An_aborted_plan_is_followed_by_another_until_the_attempts_are_used_up()
    {
        var ledger = Ledger.WithRunningJob(new PlanningOptions { AttemptLimit = 2 });
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        for (var generation = 2; generation <= 3; generation++)
        {
            ledger.Plan().OfType<MigrationPlanned>().Single().Plan.To.Generation.ShouldBe(generation);
            ledger.Execute();
            ledger.Report(new PreparationFailed("no room") { MachineId = "s0", Generation = generation, JobId = "gpt", MigrationId = $"gpt-g{generation}" });
            ledger.Report(Ledger.Aborted("m1", generation)).OfType<MigrationAborted>().ShouldHaveSingleItem();
        }

        ledger.Plan().OfType<MigrationPlanned>().ShouldBeEmpty();
        ledger.World.Job("gpt").OpenMigration.ShouldBeNull();
        ledger.World.Machine("s0").Status.ShouldBe(MachineStatus.Available);
    }

    [Fact]
    public void A_resolved_answer_is_not_planned_for_again_before_the_detector_says_so()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        ledger.Plan();
        ledger.Execute();
        foreach (var machine in (string[])["m1", "m2", "s0"]) ledger.Report(Ledger.Prepared(machine));
        foreach (var (machine, rank) in (IEnumerable<(string, int)>)[("s0", 0), ("m1", 1), ("m2", 2)]) ledger.Report(Ledger.Switched(machine, rank));
        ledger.Plan().OfType<MigrationPlanned>().ShouldBeEmpty();
        ledger.Append(Detection.Detectors.Resolve(ledger.World)).ShouldBe([new InterruptionResolved("death", "gpt-g2")]);
        ledger.Append(Detection.Detectors.Resolve(ledger.World)).ShouldBeEmpty();
    }

    [Fact]
    public void A_quarantine_that_is_over_ends_when_the_worker_is_idle()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Append(new Decision(ledger.World).OnMachine("e0", machine => machine.Quarantine("maintenance", ledger.Now.AddHours(1))));
        ledger.Announce("e0", MachineRole.Elastic, 3000).ShouldBeEmpty();
        ledger.Now = ledger.Now.AddHours(2);
        ledger.Announce("e0", MachineRole.Elastic, 3000, WorkerPhase.Left).ShouldBeEmpty();
        ledger.Announce("e0", MachineRole.Elastic, 3000).ShouldBe([new MachineReleased("e0", "The quarantine is over and its worker is idle.")]);
    }

    [Fact]
    public void The_last_rank_that_finishes_completes_the_job_and_frees_its_machines()
    {
        var ledger = Ledger.WithRunningJob();
        for (var rank = 0; rank < 3; rank++)
        {
            ledger.Append(Planner.OnFinished(ledger.World, new Finished(100, [new RankDigest(rank, $"m{rank}", "d")]) { MachineId = $"m{rank}", Generation = 1, JobId = "gpt" }));
        }

        ledger.Events.OfType<JobCompleted>().Single().Digests.Count.ShouldBe(3);
        ledger.World.Machine("m0").Status.ShouldBe(MachineStatus.Available);
    }

    [Fact]
    public void Nobody_moves_on_notice_once_the_first_rank_has_finished_but_a_lost_machine_is_still_replaced()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Append(Planner.OnFinished(ledger.World, new Finished(100, [new RankDigest(0, "m0", "d")]) { MachineId = "m0", Generation = 1, JobId = "gpt" }));
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        ledger.Plan().OfType<MigrationPlanned>().ShouldBeEmpty();
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        ledger.Plan().OfType<MigrationPlanned>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_joiner_that_finishes_before_its_migration_is_closed_counts_and_the_job_completes_when_it_is()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        ledger.Plan();
        ledger.Execute();
        foreach (var machine in (string[])["m1", "m2", "s0"]) ledger.Report(Ledger.Prepared(machine));
        foreach (var (machine, rank) in (IEnumerable<(string, int)>)[("s0", 0), ("m1", 1), ("m2", 2)])
        {
            var finished = new Finished(100, [new RankDigest(rank, machine, "d")]) { MachineId = machine, Generation = 2, JobId = "gpt" };
            ledger.Append(Planner.OnFinished(ledger.World, finished)).ShouldHaveSingleItem().ShouldBeOfType<JobRankFinished>();
        }

        foreach (var (machine, rank) in (IEnumerable<(string, int)>)[("s0", 0), ("m1", 1), ("m2", 2)]) ledger.Report(Ledger.Switched(machine, rank));
        ledger.Plan().OfType<JobCompleted>().Single().Digests.Select(digest => digest.MachineId).ShouldBe(["s0", "m1", "m2"]);
        ledger.World.Machine("s0").Status.ShouldBe(MachineStatus.Available);
        ledger.World.Machine("m0").Status.ShouldBe(MachineStatus.Quarantined);
    }

    [Fact]
    public void A_machine_that_is_in_no_topology_of_the_job_finishes_nothing() =>
        Planner.OnFinished(
            Ledger.WithRunningJob().World, new Finished(100, [new RankDigest(0, "e0", "d")]) { MachineId = "e0", Generation = 1, JobId = "gpt" }).Streams.ShouldBeEmpty();

    [Fact]
    public void Whatever_is_interrupted_no_machine_is_in_two_plans_and_every_plan_obeys_the_rules() =>
        Gen.Select(Gen.Int[0, 5], Gen.Bool, Gen.Int[0, 3]).Array[1, 20].Sample(steps =>
        {
            var ledger = Ledger.WithRunningJob();
            var names = (string[])["m0", "m1", "m2", "s0", "e0", "unknown"];
            var count = 0;
            foreach (var (machine, expected, progress) in steps)
            {
                ledger.Raise($"i{count++}", expected ? InterruptionKind.Expected : InterruptionKind.Unexpected, names[machine]);
                foreach (var planned in ledger.Plan().OfType<MigrationPlanned>()) PlanRules.Check(planned.Plan);
                var open = ledger.World.Migrations.Where(migration => !migration.Ended).ToList();
                open.SelectMany(migration => migration.Joiners).ShouldBeUnique();
                open.Count.ShouldBeLessThanOrEqualTo(1);
                if (open.Count == 0) continue;
                Advance(ledger, open[0], progress);
                ledger.Plan();
            }
        }, iter: 300);

    private static void Advance(Ledger ledger, Migration migration, int progress)
    {
        var generation = migration.Plan!.To.Generation;
        if (progress > 0) ledger.Execute();
        if (progress > 1) foreach (var machine in migration.Participants) ledger.Report(Ledger.Prepared(machine, generation));
        if (progress > 2) foreach (var place in migration.Plan.To.Ranks) ledger.Report(Ledger.Switched(place.MachineId, place.Rank, generation));
    }

    private static IEnumerable<string> Joiner(Ledger ledger, InterruptionKind kind, params string[] machines)
    {
        ledger.Raise("cause", kind, machines);
        return ledger.Plan().OfType<MigrationPlanned>().Single().Plan.Moves.Select(move => move.Joiner);
    }
}
