using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>What a run in some layout came to, put together again from the parts of all ranks.</summary>
internal sealed class TrainedModel
{
    private readonly Lock _gate = new();

    private TrainedModel(ParallelLayout layout, int steps)
    {
        Losses = new float[steps];
        Digests = new string[layout.Size];
    }

    /// <summary>As rank 0 heard them.</summary>
    public float[] Losses { get; }

    public string[] Digests { get; }

    /// <summary>Whole parameters, by name.</summary>
    public Dictionary<string, float[]> Parameters { get; } = [];

    /// <summary>Hash of each copy of a parameter that is held whole, by name.</summary>
    public Dictionary<string, List<string>> Copies { get; } = [];

    public static TrainedModel Run(ModelShape shape, TrainingRecipe recipe, ParallelLayout layout) => Run(new ByteGpt(shape), recipe, layout, TinyJob.Text);

    public static TrainedModel Run(IModel model, TrainingRecipe recipe, ParallelLayout layout, ITrainingData data, Action<Replica>? trained = null)
    {
        var run = new TrainedModel(layout, recipe.Steps);
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(model, recipe, layout, own.Position);
            for (var step = 0; step < recipe.Steps; step++)
            {
                var outcome = StepProtocol.TrainStep(replica, data, own, StepProtocol.Commit);
                if (own.Rank == 0)
                    run.Losses[step] = outcome.Loss;
            }

            lock (run._gate)
                run.Take(own.Rank, replica);
            trained?.Invoke(replica);
        });
        return run;
    }

    private void Take(int rank, Replica replica)
    {
        Digests[rank] = replica.Digest();
        foreach (var slot in replica.Layout.Slots)
        {
            var values = replica.ParameterData.Slice(slot.Offset, slot.Count);
            if (slot.Spec.Split == SplitRule.Whole)
            {
                if (!Copies.TryGetValue(slot.Name, out var copies))
                    Copies.Add(slot.Name, copies = []);
                copies.Add(Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(values))));
            }

            var elements = (int)slot.Spec.Dimensions.Aggregate(1L, (product, size) => product * size);
            if (!Parameters.TryGetValue(slot.Name, out var whole))
                Parameters.Add(slot.Name, whole = new float[elements]);
            var taken = 0;
            foreach (var (start, count) in slot.Spec.RunsOf(replica.Position.Tp, replica.Parallelism.Tp))
            {
                values.Slice(taken, count).CopyTo(whole.AsSpan((int)start));
                taken += count;
            }
        }
    }
}
