using CsCheck;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Migrations;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain.Tests;

public sealed class MigrationTests
{
    private static readonly string[] Machines = ["m0", "m1", "m2", "e0", "s0"];

    [Fact]
    public void An_expected_migration_runs_through_all_phases()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        ledger.Plan().Select(Name).ShouldBe(["MigrationPlanned", "JobMigrationOpened", "MachineReserved"]);
        ledger.Execute().Select(Name).ShouldBe(["PreparationStarted"]);
        ledger.Report(Ledger.Prepared("m0")).Select(Name).ShouldBe(["ParticipantReady"]);
        ledger.Report(Ledger.Prepared("m1")).Select(Name).ShouldBe(["ParticipantReady"]);
        ledger.Report(Ledger.Prepared("m2")).Select(Name).ShouldBe(["ParticipantReady"]);
        ledger.Report(Ledger.Prepared("e0", shadow: Ledger.Good)).Select(Name).ShouldBe(["ParticipantReady", "SwitchOrdered"]);
        ledger.Report(Ledger.Agreed("m2")).Select(Name).ShouldBe(["SwitchAgreed"]);
        ledger.Report(Ledger.Agreed("m0")).ShouldBeEmpty();
        ledger.Report(Ledger.Switched("m0", 0)).Select(Name).ShouldBe(["ParticipantSwitched"]);
        ledger.Report(Ledger.Switched("e0", 1)).Select(Name).ShouldBe(["ParticipantSwitched"]);
        ledger.Report(Ledger.Switched("m2", 2)).Select(Name).ShouldBe(["ParticipantSwitched", "MigrationCompleted"]);
        ledger.Plan().Select(Name).ShouldBe(["JobMigrationClosed", "MachineAssigned", "MachineQuarantined"]);
        ledger.World.Job("gpt").Topology!.Ranks.Select(place => place.MachineId).ShouldBe(["m0", "e0", "m2"]);
    }

    [Fact]
    public void Orders_to_prepare_follow_from_the_plan_and_a_report_may_come_before_the_log_says_that_the_preparation_started()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        var planned = ledger.Plan().OfType<MigrationPlanned>().Single();
        string[] participants = ["e0", "m0", "m1", "m2"];
        Ordered().ShouldBe(participants);

        ledger.Report(Ledger.Prepared("m0")).Select(Name).ShouldBe(["PreparationStarted", "ParticipantReady"]);
        Ordered().ShouldBe(participants);

        ledger.Report(new PreparationFailed("No room.") { MachineId = "m2", Generation = 2, JobId = "gpt", MigrationId = "gpt-g2" });
        Ordered().ShouldBeEmpty();

        IEnumerable<string> Ordered() => Orders.For(planned, ledger.World).OfType<Contracts.Commands.Prepare>().Select(order => order.MachineId).Order();
    }

    [Fact]
    public void A_participant_that_loses_what_it_had_prepared_after_the_order_to_switch_aborts_the_switch_at_once()
    {
        var ledger = Switching();
        var events = ledger.Report(new PreparationFailed("A connection broke.") { MachineId = "m2", Generation = 2, JobId = "gpt", MigrationId = "gpt-g2" });
        events.ShouldHaveSingleItem().ShouldBeOfType<AbortOrdered>().Reason.ShouldBe("m2 lost what it had prepared: A connection broke.");
        ledger.Report(Ledger.Aborted("m0")).Select(Name).ShouldBe(["MigrationAborted"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_report_of_another_generation_decides_nothing(int generation)
    {
        var ledger = Switching();
        ledger.Report(new PreparationFailed("A connection broke.") { MachineId = "m2", Generation = generation, JobId = "gpt", MigrationId = "gpt-g2" }).ShouldBeEmpty();
        ledger.Report(Ledger.Agreed("m0") with { Generation = generation }).ShouldBeEmpty();
        ledger.Report(Ledger.Switched("m0", 0) with { Generation = generation }).ShouldBeEmpty();
        ledger.Report(Ledger.Agreed("m0")).Select(Name).ShouldBe(["SwitchAgreed"]);
    }

    [Fact]
    public void A_switch_that_was_agreed_although_a_joiner_lost_what_it_had_prepared_stands()
    {
        var ledger = Switching();
        ledger.Report(new PreparationFailed("A connection broke.") { MachineId = "e0", Generation = 2, JobId = "gpt", MigrationId = "gpt-g2" }).Select(Name).ShouldBe(["AbortOrdered"]);
        ledger.Report(Ledger.Agreed("m0")).Select(Name).ShouldBe(["SwitchAgreed"]);
    }

    [Fact]
    public void Different_digests_abort_before_anybody_switches()
    {
        var ledger = Preparing();
        ledger.Report(Ledger.Prepared("m0", digest: "a"));
        ledger.Report(Ledger.Prepared("m2", digest: "b")).Select(Name).ShouldBe(["ParticipantReady", "AbortOrdered"]);
        ledger.Report(Ledger.Aborted("e0")).ShouldBeEmpty();
        ledger.Report(Ledger.Aborted("m0")).Select(Name).ShouldBe(["MigrationAborted"]);
    }

    [Fact]
    public void A_shadow_iteration_that_is_not_good_aborts()
    {
        var ledger = Preparing();
        var events = ledger.Report(Ledger.Prepared("e0", shadow: new ShadowOutcome(false, "the loss differs", 1, 0, 0)));
        events.Select(Name).ShouldBe(["ParticipantReady", "AbortOrdered"]);
        events.OfType<AbortOrdered>().Single().Reason.ShouldContain("the loss differs");
    }

    [Fact]
    public void An_agreement_overrules_an_abort_on_its_way()
    {
        var ledger = Switching();
        ledger.Now += TimeSpan.FromHours(1);
        ledger.Execute().Select(Name).ShouldBe(["AbortOrdered"]);
        ledger.Report(Ledger.Agreed("m0")).Select(Name).ShouldBe(["SwitchAgreed"]);
        ledger.Report(Ledger.Aborted("m2")).ShouldBeEmpty();
    }

    [Fact]
    public void After_the_agreement_there_is_no_abort()
    {
        var ledger = Switching();
        ledger.Report(Ledger.Agreed("m0"));
        ledger.Now += TimeSpan.FromHours(1);
        ledger.Execute().ShouldBeEmpty();
        ledger.Report(new PreparationFailed("late") { MachineId = "e0", Generation = 2, JobId = "gpt", MigrationId = "gpt-g2" }).ShouldBeEmpty();
    }

    [Fact]
    public void A_leaver_that_dies_while_others_prepare_escalates_and_is_not_waited_for()
    {
        var ledger = Preparing();
        foreach (var machine in (string[])["m0", "m2"]) ledger.Report(Ledger.Prepared(machine));
        ledger.Report(Ledger.Prepared("e0", shadow: Ledger.Good)).Select(Name).ShouldBe(["ParticipantReady"]);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        ledger.Plan().Select(Name).ShouldBe(["MigrationEscalated"]);
        ledger.Execute().Select(Name).ShouldBe(["SwitchOrdered"]);
        Orders.For(ledger.Events[^1], ledger.World).OfType<Contracts.Commands.Switch>()
            .Select(order => (order.MachineId, order.LeaverLost)).ShouldBe([("e0", true), ("m0", true), ("m2", true)]);
        ledger.Plan().ShouldBeEmpty();
    }

    [Fact]
    public void Survivors_of_a_lost_machine_agree_without_an_order_and_members_that_have_a_leaver_do_not()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("death", InterruptionKind.Unexpected, "m0");
        ledger.Plan();
        ledger.Execute();
        ledger.Report(Ledger.Prepared("m1")).Select(Name).ShouldBe(["ParticipantReady"]);
        ledger.Report(Ledger.Agreed("m1")).Select(Name).ShouldBe(["SwitchAgreed"]);
        ledger.Report(Ledger.Prepared("s0", shadow: Ledger.Good)).Select(Name).ShouldBe(["ParticipantReady"]);
        foreach (var (machine, rank) in (IEnumerable<(string, int)>)[("s0", 0), ("m1", 1)]) ledger.Report(Ledger.Switched(machine, rank));
        ledger.Report(Ledger.Switched("m2", 2)).Select(Name).ShouldBe(["ParticipantSwitched", "MigrationCompleted"]);

        var expected = Preparing();
        expected.Report(Ledger.Agreed("m0")).ShouldBeEmpty();
        expected.Report(Ledger.Switched("m0", 0)).ShouldBeEmpty();
    }

    [Fact]
    public void A_joiner_lost_after_the_agreement_leads_to_a_further_generation()
    {
        var ledger = Switching();
        ledger.Report(Ledger.Agreed("m0"));
        ledger.Raise("death", InterruptionKind.Unexpected, "e0");
        var events = ledger.Plan();
        events.Select(Name).ShouldBe(
            ["MigrationSuperseded", "JobMigrationClosed", "JobMigrationOpened", "MachineAssigned", "MachineQuarantined", "MigrationPlanned", "MachineReserved"], ignoreOrder: true);
        var plan = events.OfType<MigrationPlanned>().Single().Plan;
        plan.From.Ranks[1].MachineId.ShouldBe("e0");
        plan.To.Ranks[1].MachineId.ShouldBe("s0");
        plan.To.Generation.ShouldBe(3);
    }

    [Fact]
    public void A_stayer_that_is_lost_before_the_agreement_ends_the_plan_at_once_and_is_replaced_first()
    {
        foreach (var ledger in (Ledger[])[Preparing(), Switching()])
        {
            ledger.Raise("hang", InterruptionKind.Unexpected, "m2");
            ledger.Plan().ShouldHaveSingleItem().ShouldBeOfType<AbortOrdered>().Reason.ShouldBe("m2, which was to stay, was lost during the preparation: Because of hang.");
            ledger.Plan().ShouldBeEmpty();
            ledger.Report(Ledger.Aborted("m0")).Select(Name).ShouldBe(["MigrationAborted"]);
            var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
            (plan.Kind, plan.Moves.Single().Leaver, plan.Moves.Single().Joiner).ShouldBe((InterruptionKind.Unexpected, "m2", "s0"));
        }
    }

    [Fact]
    public void A_joiner_whose_worker_dies_before_the_agreement_ends_the_plan_at_once_and_another_machine_is_chosen()
    {
        foreach (var ledger in (Ledger[])[Preparing(), Switching()])
        {
            ledger.LoseWorker("e0", 2999).ShouldBeEmpty();
            var events = ledger.LoseWorker("e0", 3000);
            events.Select(Name).ShouldBe(["MachineWorkerLost", "AbortOrdered"]);
            events.OfType<AbortOrdered>().Single().Reason.ShouldBe("The worker of e0 was lost during the preparation: The worker was killed by signal 9.");
            ledger.LoseWorker("e0", 3000).ShouldBeEmpty();
            ledger.Report(Ledger.Aborted("m0"));
            var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
            plan.Moves.Single().Joiner.ShouldBe("s0");
            plan.Candidates.Single(candidate => candidate.MachineId == "e0").Why.ShouldBe("its worker is gone, and the next one is not there yet");
        }
    }

    [Fact]
    public void A_stayer_whose_worker_dies_ends_the_plan_and_a_leaver_whose_worker_dies_does_not()
    {
        var ledger = Preparing();
        ledger.LoseWorker("m1", 1001).ShouldBeEmpty();
        ledger.LoseWorker("m2", 1002).Select(Name).ShouldBe(["AbortOrdered"]);

        var agreed = Switching();
        agreed.Report(Ledger.Agreed("m0"));
        agreed.LoseWorker("e0", 3000).Select(Name).ShouldBe(["MachineWorkerLost"]);
    }

    [Fact]
    public void A_member_that_was_lost_and_replaced_before_and_has_come_back_since_ends_no_plan()
    {
        var ledger = Ledger.WithRunningJob(new PlanningOptions { FailureQuarantine = TimeSpan.Zero, MaintenanceQuarantine = TimeSpan.Zero });
        ledger.Raise("death", InterruptionKind.Unexpected, "m2");
        Migrate(ledger).Joiner.ShouldBe("s0");
        ledger.Announce("m2", MachineRole.Training, 1002);
        ledger.Raise("first", InterruptionKind.Expected, "m0");
        Migrate(ledger).Joiner.ShouldBe("e0");
        ledger.Raise("second", InterruptionKind.Expected, "m1");
        Migrate(ledger).Joiner.ShouldBe("m2");

        ledger.Announce("m0", MachineRole.Training, 1000);
        ledger.Raise("third", InterruptionKind.Expected, "s0");
        ledger.Plan().OfType<MigrationPlanned>().ShouldHaveSingleItem();
        ledger.Execute();
        ledger.Plan().ShouldBeEmpty();
    }

    [Fact]
    public void A_leaver_is_released_also_where_another_migration_replaced_its_own_once_that_one_has_ended()
    {
        var ledger = Switching();
        ledger.Report(Ledger.Agreed("m0"));
        ledger.Raise("death", InterruptionKind.Unexpected, "e0");
        ledger.Plan();
        var left = new Announced(MachineRole.Training, new WorkerStatus(WorkerPhase.Left, 1, "127.0.0.1", 1001, "gpt", 1)) { MachineId = "m1", Generation = 0 };
        Orders.Open(left, ledger.World).ShouldBeEmpty();

        ledger.Execute();
        foreach (var machine in (string[])["m0", "m2"]) ledger.Report(Ledger.Prepared(machine, generation: 3));
        ledger.Report(Ledger.Prepared("s0", generation: 3, shadow: Ledger.Good));
        ledger.Report(Ledger.Agreed("m0", generation: 3));
        foreach (var (machine, rank) in (IEnumerable<(string, int)>)[("m0", 0), ("s0", 1), ("m2", 2)]) ledger.Report(Ledger.Switched(machine, rank, generation: 3));
        ledger.Plan();
        ledger.World.Job("gpt").OpenMigration.ShouldBeNull();
        Orders.Open(left, ledger.World).ShouldHaveSingleItem().ShouldBeOfType<Contracts.Commands.Release>().MachineId.ShouldBe("m1");
    }

    [Fact]
    public void Any_sequence_of_facts_takes_only_legal_steps_and_a_fact_twice_decides_nothing() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 4], Gen.Int[1, 3], Gen.Int[0, 1]).Array[0, 40].Sample(facts =>
        {
            var ledger = Preparing();
            foreach (var (fact, machine, generation, variant) in facts)
            {
                var before = ledger.World.Migration("gpt-g2").Phase!.Value;
                var events = Happen(ledger, fact, Machines[machine], generation, variant);
                var phase = before;
                foreach (var @event in events)
                {
                    var next = PhaseAfter(@event) ?? phase;
                    if (next != phase) PhaseTable.Of(phase).Next.ShouldContain(next);
                    phase = next;
                }

                phase.ShouldBe(ledger.World.Migration("gpt-g2").Phase!.Value);
                if (generation != 2 && fact is not (6 or 7 or 8 or 9)) events.ShouldBeEmpty();
                if (fact != 5) Happen(ledger, fact, Machines[machine], generation, variant).ShouldBeEmpty();
            }
        }, iter: 500);

    [Fact]
    public void Every_phase_before_the_agreement_can_be_given_up()
    {
        PhaseTable.Rows.Where(row => row.OnAbort != AbortAction.NotPossible).Select(row => row.Phase)
            .ShouldBe([MigrationPhase.Planned, MigrationPhase.Preparing, MigrationPhase.Switching]);
        foreach (var ledger in (Ledger[])[Planned(), Preparing(), Switching()])
        {
            ledger.Now += TimeSpan.FromHours(1);
            ledger.Append(new Decision(ledger.World).OnMigration("gpt-g2", state => MigrationDecider.PassDeadline(state, ledger.Now)))
                .ShouldHaveSingleItem().ShouldBeAssignableTo<object>();
            ledger.Report(Ledger.Aborted("m0"));
            ledger.World.Migration("gpt-g2").Phase.ShouldBe(MigrationPhase.Aborted);
        }
    }

    [Fact]
    public void The_pause_of_an_unexpected_migration_begins_with_the_fault_itself()
    {
        var ledger = Ledger.WithRunningJob();
        var raised = new InterruptionRaised("death", InterruptionKind.Unexpected, InterruptionCause.WorkerDeath, Severity.Replace, ["m1"], "It died.", "test-1", [], 500_000);
        ledger.Append(new Decision(ledger.World).OnInterruption("death", state => state.Raise(raised)));
        ledger.Plan();
        ledger.Execute();
        foreach (var machine in (string[])["m0", "m2", "s0"]) ledger.Report(Ledger.Prepared(machine));
        ledger.Report(Ledger.Switched("m0", 0));
        ledger.Report(Ledger.Switched("m2", 2));
        var completed = ledger.Report(Ledger.Switched("s0", 1, resumed: 7_500_000)).OfType<MigrationCompleted>().Single();
        completed.PauseMs.ShouldBe(7);
        completed.Connections.ShouldBe(new ConnectionDelta(0, 0, 3, 1));
    }

    private static IReadOnlyList<object> Happen(Ledger ledger, int fact, string machine, int generation, int variant) => fact switch
    {
        0 => ledger.Report(Ledger.Prepared(machine, generation, variant == 0 ? "d" : "other")),
        1 => ledger.Report(Ledger.Agreed(machine, 10, generation)),
        2 => ledger.Report(Ledger.Switched(machine, 0, generation)),
        3 => ledger.Report(Ledger.Aborted(machine, generation)),
        4 => ledger.Report(new PreparationFailed("x") { MachineId = machine, Generation = generation, JobId = "gpt", MigrationId = $"gpt-g{generation}" }),
        5 when generation == 2 => ledger.Report(new Refused("o", "r") { MachineId = machine, Generation = generation, JobId = "gpt", MigrationId = "gpt-g2" }),
        6 => ledger.Report(new Parked(3, "PeerReset", machine, "x", 1) { MachineId = "m0", Generation = 1, JobId = "gpt" }),
        7 when variant == 1 => ledger.Append(new Decision(ledger.World).OnMigration("gpt-g2", state => MigrationDecider.PassDeadline(state, ledger.Now + TimeSpan.FromHours(1)))),
        8 when variant == 1 => ledger.Append(new Decision(ledger.World).OnMigration("gpt-g2", state => MigrationDecider.Overtake(state, "x"))),
        9 when variant == 1 => ledger.Report(Ledger.WorkerLost(machine, ledger.World.Machine(machine).Port)),
        _ => [],
    };

    private static MigrationPhase? PhaseAfter(object @event) => @event switch
    {
        PreparationStarted => MigrationPhase.Preparing,
        SwitchOrdered => MigrationPhase.Switching,
        SwitchAgreed => MigrationPhase.Agreed,
        MigrationCompleted => MigrationPhase.Completed,
        AbortOrdered => MigrationPhase.Aborting,
        MigrationAborted => MigrationPhase.Aborted,
        MigrationSuperseded => MigrationPhase.Superseded,
        _ => null,
    };

    private static Ledger Planned()
    {
        var ledger = Ledger.WithRunningJob();
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        ledger.Plan();
        return ledger;
    }

    private static Ledger Preparing()
    {
        var ledger = Planned();
        ledger.Execute();
        return ledger;
    }

    private static Ledger Switching()
    {
        var ledger = Preparing();
        foreach (var machine in (string[])["m0", "m1", "m2", "e0"]) ledger.Report(Ledger.Prepared(machine));
        ledger.World.Migration("gpt-g2").Phase.ShouldBe(MigrationPhase.Switching);
        return ledger;
    }

    /// <summary>Plans for what is open, and carries it out.</summary>
    private static MachineMove Migrate(Ledger ledger)
    {
        var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
        var generation = plan.To.Generation;
        ledger.Execute();
        foreach (var machine in ledger.World.Migration(plan.MigrationId).Participants) ledger.Report(Ledger.Prepared(machine, generation, shadow: Ledger.Good));
        foreach (var place in plan.To.Ranks) ledger.Report(Ledger.Switched(place.MachineId, place.Rank, generation));
        ledger.Plan();
        ledger.World.Job("gpt").OpenMigration.ShouldBeNull();
        return plan.Moves.Single();
    }

    private static string Name(object @event) => @event.GetType().Name;
}
