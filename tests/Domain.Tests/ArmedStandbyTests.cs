using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Migrations;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain.Tests;

/// <summary>Plans that members hold before their cause: who is armed when, and how the log takes over what the survivors did.</summary>
public sealed class ArmedStandbyTests
{
    private const string Policy = "planner-1";
    private const int Arming = 2;
    private const int WithoutM1 = Arming + 2;

    [Fact]
    public void A_standby_is_armed_when_it_has_proved_itself_and_all_members_and_it_are_told()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        var armed = new StandbyArmed("gpt", "s0", "127.0.0.1", 2000, From: 1, Arming, Ranks: 3, Policy);
        ledger.Events.OfType<StandbyArmed>().ShouldBe([armed]);
        ledger.World.Job("gpt").LastGeneration.ShouldBe(5);
        var orders = Orders.For(armed, ledger.World);
        orders.Select(order => order.MachineId).ShouldBe(["m0", "m1", "m2", "s0"]);
        orders.ShouldAllBe(order => order is Arm && order.Generation == Arming && order.OrderId == "gpt-g2:arm");
        ledger.Plan().ShouldBeEmpty();
    }

    [Fact]
    public void Without_the_technique_or_what_it_stands_on_nobody_is_armed()
    {
        foreach (var techniques in (JobTechniques[])[new(ArmedStandby: false), new(TwoPhaseGroups: false), new(Sandbox: false)])
        {
            var ledger = Ledger.WithRunningJob(techniques: techniques);
            ledger.Events.OfType<StandbyArmed>().ShouldBeEmpty();
        }
    }

    [Fact]
    public void That_the_armed_standby_became_a_replica_is_in_the_log_once_until_it_is_armed_anew_or_a_plan_is_opened()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.World.Job("gpt").Followed.ShouldBeNull();
        Said("m2", Arming).ShouldBe([new StandbyCaughtUp("gpt", "s0", "m2", Arming)]);
        ledger.World.Job("gpt").Followed.ShouldBe("m2");
        Said("m2", Arming).ShouldBeEmpty();

        ledger.Announce("s0", MachineRole.Standby, 2001);
        ledger.World.Job("gpt").Followed.ShouldBeNull();
        Said("m2", Arming).ShouldBeEmpty();
        Said("m7", 6).ShouldBeEmpty();
        Said("m2", 6).ShouldHaveSingleItem();

        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        ledger.Plan();
        ledger.World.Job("gpt").Followed.ShouldBeNull();
        Said("m2", 6).ShouldBeEmpty();

        IReadOnlyList<object> Said(string followed, int generation) =>
            ledger.Append(Planner.OnCaughtUp(ledger.World, new CaughtUp("s0") { MachineId = followed, Generation = generation, JobId = "gpt" }));
    }

    [Fact]
    public void A_failure_is_planned_as_what_the_members_hold_and_another_migration_is_not()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
        (plan.To.Generation, plan.MigrationId, plan.Moves[0].Joiner).ShouldBe((WithoutM1, "gpt-g4", "s0"));

        ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("notice", InterruptionKind.Expected, "m1");
        ledger.Plan().OfType<MigrationPlanned>().Single().Plan.To.Generation.ShouldBe(6);

        ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1", "m2");
        ledger.Plan().OfType<MigrationPlanned>().Single().Plan.To.Generation.ShouldBe(6);
    }

    [Fact]
    public void A_plan_that_was_aborted_is_not_taken_again_and_members_are_armed_anew_before_the_next_failure()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        ledger.Plan();
        ledger.Execute();
        ledger.Report(new PreparationFailed("no room") { MachineId = "s0", Generation = WithoutM1, JobId = "gpt", MigrationId = "gpt-g4" });
        ledger.Report(Ledger.Aborted("m0", WithoutM1)).OfType<MigrationAborted>().ShouldHaveSingleItem();
        ledger.Plan().OfType<MigrationPlanned>().Single().Plan.To.Generation.ShouldBe(6);
        ledger.Execute();
        Complete(ledger, 6, ("m0", 0), ("s0", 1), ("m2", 2));
        ledger.Plan().OfType<StandbyArmed>().ShouldBeEmpty();
    }

    [Fact]
    public void A_standby_whose_worker_was_started_anew_is_armed_at_its_new_address()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.Announce("s0", MachineRole.Standby, 2001).OfType<StandbyArmed>().Single().ShouldSatisfyAllConditions(
            armed => armed.Port.ShouldBe(2001), armed => armed.Generation.ShouldBe(6));
    }

    [Fact]
    public void An_agent_that_comes_back_is_told_again_what_its_worker_holds()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        var announced = new Announced(MachineRole.Training, new WorkerStatus(WorkerPhase.Training, 1, "127.0.0.1", 1001, "gpt", 1, [1], 5)) { MachineId = "m1", Generation = 1 };
        Orders.Open(announced, ledger.World).OfType<Arm>().ShouldHaveSingleItem().MachineId.ShouldBe("m1");
    }

    [Fact]
    public void What_survivors_did_before_anybody_planned_it_becomes_a_plan_with_its_cause()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        var events = ledger.Switch(Ledger.Agreed("m0", generation: WithoutM1));
        events.Select(happened => happened.GetType()).ShouldBe([typeof(InterruptionRaised), typeof(MigrationPlanned), typeof(JobMigrationOpened), typeof(MachineReserved)]);
        var plan = events.OfType<MigrationPlanned>().Single().Plan;
        plan.Moves.ShouldHaveSingleItem().ShouldSatisfyAllConditions(move => (move.Leaver, move.Joiner).ShouldBe(("m1", "s0")), move => move.Ranks.ShouldBe([1]));
        plan.Interruptions.ShouldBe(["gpt-g4-survivors"]);
        events.OfType<InterruptionRaised>().Single().Machines.ShouldBe(["m1"]);

        ledger.Switch(Ledger.Agreed("s0", generation: WithoutM1)).ShouldBeEmpty();
        ledger.Execute();
        Complete(ledger, WithoutM1, ("m0", 0), ("s0", 1), ("m2", 2));
        ledger.Plan();
        ledger.World.Job("gpt").Topology!.Machines.ShouldBe(["m0", "s0", "m2"]);
        ledger.World.Machine("m1").Status.ShouldBe(MachineStatus.Quarantined);
    }

    [Fact]
    public void A_failure_that_is_known_is_the_cause_and_is_not_raised_twice()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("death", InterruptionKind.Unexpected, "m1");
        var events = ledger.Switch(Ledger.Switched("s0", 1, WithoutM1));
        events.OfType<InterruptionRaised>().ShouldBeEmpty();
        events.OfType<MigrationPlanned>().Single().Plan.Interruptions.ShouldBe(["death"]);
    }

    [Theory]
    [InlineData(InterruptionKind.Expected)]
    [InlineData(InterruptionKind.Unexpected)]
    public void A_plan_that_the_survivors_overtook_ends_and_the_one_that_they_took_is_the_jobs(InterruptionKind kind)
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        ledger.Raise("other", kind, kind == InterruptionKind.Expected ? ["m2"] : ["m1", "m2"]);
        var overtaken = ledger.Plan().OfType<MigrationPlanned>().Single().Plan.MigrationId;
        ledger.Execute();
        ledger.Switch(Ledger.Agreed("m0", generation: WithoutM1));
        ledger.World.Migration(overtaken).Phase.ShouldBe(MigrationPhase.Aborted);
        ledger.World.Job("gpt").OpenMigration.ShouldBe("gpt-g4");
        ledger.World.Machine("s0").MigrationId.ShouldBe("gpt-g4");
    }

    [Fact]
    public void A_generation_that_nobody_was_given_is_no_switch()
    {
        var ledger = Ledger.WithRunningJob(armed: true);
        foreach (var generation in (int[])[1, Arming, 6, 99])
            ledger.Switch(Ledger.Agreed("m0", generation: generation)).ShouldBeEmpty();
        Ledger.WithRunningJob().Switch(Ledger.Agreed("m0", generation: WithoutM1)).ShouldBeEmpty();
    }

    private static void Complete(Ledger ledger, int generation, params (string Machine, int Rank)[] members)
    {
        foreach (var (machine, _) in members) ledger.Report(Ledger.Prepared(machine, generation));
        foreach (var (machine, rank) in members) ledger.Report(Ledger.Switched(machine, rank, generation));
        ledger.World.Migration($"gpt-g{generation}").Phase.ShouldBe(MigrationPhase.Completed);
    }
}
