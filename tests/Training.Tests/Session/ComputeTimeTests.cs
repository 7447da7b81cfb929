using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>What a rank says of its own computation.</summary>
public class ComputeTimeTests
{
    private const int Steps = 30;

    [Fact]
    public async Task A_worker_that_wastes_processor_time_says_so_its_peer_that_waits_for_it_does_not_and_the_bits_stay()
    {
        var plain = await TrainAsync(slowness: null);
        var slowed = await TrainAsync(machine => machine == "m1" ? 4 : 0);

        slowed.Digests.ShouldBe(plain.Digests);
        (slowed.OwnTime["m1"] / slowed.OwnTime["m0"]).ShouldBeGreaterThan(1.5, "every operation took five times its time");
        // Both wait for the slower one, so lengths of steps tell nobody apart; own time never exceeds them.
        slowed.Done.ShouldAllBe(step => step.ComputeMilliseconds > 0 && step.ComputeMilliseconds <= step.Milliseconds * 1.05);
    }

    [Fact]
    public async Task A_rank_says_on_which_cores_it_computed_and_they_add_up_to_its_own_time()
    {
        var trained = await TrainAsync(slowness: null);

        // In the first step code is compiled between the readings.
        foreach (var step in trained.Done.Where(step => step.Step > 0))
        {
            step.Cores!.Select(core => core.Core).ShouldBeUnique();
            step.Cores!.ShouldAllBe(core => core.Core >= 0 && core.Milliseconds > 0);
            step.Cores!.Sum(core => core.Milliseconds).ShouldBe(step.ComputeMilliseconds!.Value, tolerance: 0.5);
        }
    }

    private static async Task<(IReadOnlyList<string> Digests, Dictionary<string, double> OwnTime, IReadOnlyList<StepDone> Done)> TrainAsync(Func<string, double>? slowness)
    {
        await using var cluster = Cluster.Create(2, Steps, slowness: slowness);
        cluster.Start(cluster.Topology(1, "m0", "m1"));
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m1");
        var done = cluster.Nodes.ToDictionary(node => node.Machine, node => node.Events.OfType<StepDone>().ToList());
        return (
            [.. finished.SelectMany(machine => machine.Digests).Select(digest => digest.Digest)],
            done.ToDictionary(machine => machine.Key, machine => Median(machine.Value.Select(step => step.ComputeMilliseconds!.Value))),
            [.. done.Values.SelectMany(steps => steps)]);
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Steps / 2);
}
