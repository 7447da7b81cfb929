using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain.Tests;

/// <summary>Jobs with more than data parallelism, and machines with more than one rank.</summary>
public sealed class LayoutTests
{
    [Theory]
    [InlineData(2, 2, 2, 5, 1, 7)]
    [InlineData(2, 2, 2, 7, 0, 5)]
    [InlineData(4, 1, 1, 3, 4, 0)]
    [InlineData(2, 3, 1, 4, 1, 5)]
    [InlineData(4, 1, 1, 0, -1, 3)]
    public void A_replica_differs_in_the_data_parallel_coordinate_alone(int dp, int pp, int tp, int rank, int coordinate, int replica) =>
        new JobLayout(dp, pp, tp).Replica(rank, coordinate).ShouldBe(replica);

    [Fact]
    public void A_machine_takes_as_many_ranks_as_it_has_devices_and_all_of_them_move_together()
    {
        var ledger = Running(new JobLayout(2, 2, 2), machines: 4);
        ledger.World.Job("gpt").Topology!.Ranks.Select(place => place.MachineId).ShouldBe(["m0", "m0", "m1", "m1", "m2", "m2", "m3", "m3"]);
        ledger.Raise("notice", InterruptionKind.Expected, "m2");
        var plan = ledger.Plan().OfType<MigrationPlanned>().Single().Plan;
        plan.Moves.ShouldHaveSingleItem().Ranks.ShouldBe([4, 5]);
        plan.To.Ranks.Select(place => place.MachineId).ShouldBe(["m0", "m0", "m1", "m1", "e0", "e0", "m3", "m3"]);
        ledger.Execute().OfType<PreparationStarted>().Single().Participants.ShouldBe(["e0", "m0", "m1", "m2", "m3"]);
        foreach (var machine in plan.To.Machines.Append("m2")) ledger.Report(Ledger.Prepared(machine));
        foreach (var machine in plan.To.Machines) ledger.Report(Ledger.Switched(machine, plan.To.RanksOf(machine)[0]));
        ledger.Events.OfType<MigrationCompleted>().Count().ShouldBe(1);
        ledger.Plan().OfType<MachineAssigned>().Single().Ranks.ShouldBe([4, 5]);
    }

    [Theory]
    [InlineData(2, 2, false, "m0", StateSource.DataParallelPeer)]
    [InlineData(1, 3, false, "m1", StateSource.Checkpoint)]
    [InlineData(2, 2, false, "m0,m1", StateSource.Checkpoint)]
    [InlineData(2, 2, false, "m0,m3", StateSource.DataParallelPeer)]
    [InlineData(3, 1, true, "m1", StateSource.DataParallelPeer)]
    [InlineData(3, 1, true, "m1,m2", StateSource.Checkpoint)]
    [InlineData(4, 1, true, "m0,m2", StateSource.DataParallelPeer)]
    public void State_comes_from_a_copy_that_survives_and_from_a_checkpoint_where_none_does(int dp, int pp, bool sharded, string lost, StateSource expected)
    {
        var ledger = Running(new JobLayout(dp, pp), machines: dp * pp, sharded);
        var leavers = lost.Split(',');
        StateSelection.Best(ledger.World.Job("gpt"), InterruptionKind.Unexpected, leavers.Contains).ShouldBe(expected);
        StateSelection.Best(ledger.World.Job("gpt"), InterruptionKind.Expected, leavers.Contains).ShouldBe(StateSource.Leaver);
    }

    [Theory]
    [InlineData(2, 1, 3, 1, "4 heads are not a multiple of tp 3")]
    [InlineData(1, 6, 1, 1, "5 layers do not fill 6 pipeline stages")]
    [InlineData(2, 1, 1, 3, "3 micro-batches do not divide a batch of 4")]
    [InlineData(0, 1, 1, 1, "dp 0, pp 1 and tp 1 are not all 1 or more")]
    public void A_layout_that_cannot_be_trained_is_refused_with_the_rule_that_it_breaks(int dp, int pp, int tp, int microBatches, string rule) =>
        JobRules.BrokenBy(Ledger.Spec() with { Layout = new JobLayout(dp, pp, tp), MicroBatches = microBatches }).ShouldBe(rule);

    [Fact]
    public void Devices_of_a_machine_hold_whole_tensor_parallel_groups_and_fill_machines()
    {
        var spec = Ledger.Spec() with { Layout = new JobLayout(3, 1, 2), DevicesPerMachine = 3 };
        JobRules.BrokenBy(spec).ShouldBe("3 devices per machine do not hold whole tensor-parallel groups of 2");
        JobRules.BrokenBy(spec with { DevicesPerMachine = 4 }).ShouldBe("6 ranks do not fill machines with 4 devices");
        JobRules.BrokenBy(spec with { DevicesPerMachine = 6 }).ShouldBeNull();
        JobRules.BrokenBy(spec with { DevicesPerMachine = null }).ShouldBeNull();
    }

    private static Ledger Running(JobLayout layout, int machines, bool sharded = false)
    {
        var ledger = new Ledger();
        for (var machine = 0; machine < machines; machine++) ledger.Announce($"m{machine}", MachineRole.Training, 1000 + machine);
        ledger.Announce("e0", MachineRole.Elastic, 3000);
        ledger.Append(new Decision(ledger.World).OnJob("gpt", job => job.Submit(Ledger.Spec() with { Layout = layout, ShardOptimizer = sharded })));
        ledger.Plan();
        return ledger;
    }
}
