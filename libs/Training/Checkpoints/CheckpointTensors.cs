namespace TrainMover.Training;

/// <summary>One tensor of a checkpoint.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Dimensions">Sizes, outermost first.</param>
/// <param name="Part">Which flat buffer it lies in: 0 parameters, 1 first moment, 2 second moment.</param>
/// <param name="Offset">First element there.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record CheckpointTensor(string Name, IReadOnlyList<long> Dimensions, int Part, int Offset, int Count)
{
    public Span<float> In(Replica replica) => (Part switch
    {
        0 => replica.ParameterData,
        1 => replica.FirstMoment,
        _ => replica.SecondMoment,
    }).Slice(Offset, Count);
}

/// <summary>
/// What the checkpoint of one rank holds: every parameter under its name (its part, where tensor parallelism divides it), and the moments likewise, or, with a
/// sharded optimizer, each as one vector that names the shard.
/// </summary>
internal static class CheckpointTensors
{
    private static readonly string[] Prefixes = ["", "optimizer.first_moment.", "optimizer.second_moment."];

    public static IReadOnlyList<CheckpointTensor> Of(Replica replica)
    {
        var tensors = new List<CheckpointTensor>();
        for (var part = 0; part < Prefixes.Length; part++)
        {
            if (part > 0 && replica.Recipe.ShardOptimizer)
            {
                var length = replica.FirstMoment.Length;
                tensors.Add(new CheckpointTensor($"{Prefixes[part]}shard_{replica.Position.Dp}_of_{replica.Parallelism.Dp}", [length], part, 0, length));
                continue;
            }

            foreach (var slot in replica.Layout.Slots)
                tensors.Add(new CheckpointTensor(Prefixes[part] + slot.Name, slot.Dimensions, part, slot.Offset, slot.Count));
        }

        return tensors;
    }
}
