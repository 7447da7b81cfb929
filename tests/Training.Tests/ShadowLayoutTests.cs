using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Shadow iterations in layouts: what reaches beyond the sandbox is answered from the record, what stays inside is real.</summary>
public sealed class ShadowLayoutTests : IDisposable
{
    private static readonly ModelShape Shape = new(Layers: 3, Width: 32, Heads: 2, Context: 16, Dropout: 0.1f);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, 2, 2, false, false)]
    [InlineData(2, 3, 1, false, true)]
    [InlineData(3, 2, 1, true, true)]
    [InlineData(1, 3, 1, false, false)]
    public void Every_machine_of_a_layout_can_be_rehearsed_alone(int dp, int pp, int tp, bool sharded, bool overlapped)
    {
        var layout = new ParallelLayout(dp, pp, tp);
        var recipe = Recipe with { ShardOptimizer = sharded, OverlapReduction = overlapped };
        Record(layout, recipe, rank => Machine(layout, rank));

        for (var first = 0; first < layout.Size; first += tp)
            Rehearse(layout, recipe, Machine(layout, first)).ShouldAllBe(result => result.Good, $"machine of rank {first}");
    }

    [Fact]
    public void A_whole_pipeline_is_rehearsed_on_the_record_of_its_boundary_alone()
    {
        var layout = new ParallelLayout(Dp: 2, Pp: 3);
        HashSet<int> pipeline = [.. Enumerable.Range(0, layout.Size).Where(rank => layout.PositionOf(rank).Dp == 1)];
        Record(layout, Recipe, _ => pipeline);

        foreach (var rank in pipeline)
            StepRecord.Load(RecordOf(rank)).Groups.Select(group => group.Role).ShouldBe([GroupRole.DataParallel]);
        Rehearse(layout, Recipe, pipeline).ShouldAllBe(result => result.Good);
    }

    [Fact]
    public void The_middle_of_a_pipeline_records_its_replicas_its_model_and_both_neighbours()
    {
        var layout = new ParallelLayout(Dp: 2, Pp: 3, Tp: 2);
        var middle = layout.RankAt(new RankPosition(1, 1, 0));

        GroupRoles.Crossing(layout, middle, Machine(layout, middle)).Order().ShouldBe(
            [GroupRole.DataParallel, GroupRole.ModelParallel, GroupRole.Previous, GroupRole.Next]);
        GroupRoles.Crossing(layout, 0, Machine(layout, 0)).Order().ShouldBe([GroupRole.DataParallel, GroupRole.ModelParallel, GroupRole.Next, GroupRole.Embedding]);
        GroupRoles.Crossing(new ParallelLayout(1, Tp: 2), 0, new HashSet<int> { 0, 1 }).ShouldBeEmpty();
    }

    [Fact]
    public void An_activation_that_came_in_wrong_is_found()
    {
        var layout = new ParallelLayout(Dp: 1, Pp: 3);
        Record(layout, Recipe, rank => new HashSet<int> { rank });
        var record = StepRecord.Load(RecordOf(1));
        var previous = record.Groups.Single(group => group.Role == GroupRole.Previous);
        var calls = previous.Calls.ToArray();
        var altered = calls[0].Output.ToArray();
        altered[5] ^= 0x40;
        calls[0] = calls[0] with { Output = altered };
        (record with { Groups = [.. record.Groups.Select(group => group == previous ? group with { Calls = calls } : group)] }).Save(RecordOf(1));

        Rehearse(layout, Recipe, new HashSet<int> { 1 })[0].Reason!.ShouldContain("differs from what rank 1 sent");
    }

    private static TrainingRecipe Recipe { get; } = new(Seed: 4, Steps: 1, BatchPerRank: 4) { MicroBatches = 2 };

    private static HashSet<int> Machine(ParallelLayout layout, int rank) => [.. Enumerable.Range(rank / layout.Tp * layout.Tp, layout.Tp)];

    private void Record(ParallelLayout layout, TrainingRecipe recipe, Func<int, IReadOnlySet<int>> inside) => Ranks.Run(ThreadGroups.Of(layout), own =>
    {
        using var replica = new Replica(Shape, recipe, layout, own.Position);
        Checkpoint.Save(CheckpointOf(own.Rank), replica, "job");
        StepRecorder.TrainStep("job", replica, TinyJob.Text, own, GroupRoles.Crossing(layout, own.Rank, inside(own.Rank))).Record!.Save(RecordOf(own.Rank));
    });

    private ShadowResult[] Rehearse(ParallelLayout layout, TrainingRecipe recipe, IReadOnlySet<int> inside)
    {
        var groups = ThreadGroups.Of(layout).Where(own => inside.Contains(own.Rank)).ToArray();
        var results = new ShadowResult[groups.Length];
        Ranks.Run(groups, own =>
        {
            var crossing = GroupRoles.Crossing(layout, own.Rank, inside);
            var real = new GroupsByRole(layout, own.Rank, role => crossing.Contains(role) ? null : own.In(role));
            using var cold = new Replica(Shape, recipe, layout, own.Position);
            results[Array.IndexOf(groups, own)] = ShadowIteration.Run(cold, TinyJob.Text, CheckpointOf(own.Rank), RecordOf(own.Rank), real);
        });
        return results;
    }

    private string CheckpointOf(int rank) => _folder[$"initial-{rank}.safetensors"];

    private string RecordOf(int rank) => _folder[$"record-{rank}"];
}
