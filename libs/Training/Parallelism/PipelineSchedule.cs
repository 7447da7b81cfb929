namespace TrainMover.Training;

/// <summary>What a stage does next.</summary>
internal enum PipelineActionKind
{
    /// <summary>Forward pass of the micro-batch <see cref="PipelineAction.First"/>.</summary>
    Forward,

    /// <summary>Backward pass of the micro-batch <see cref="PipelineAction.First"/>.</summary>
    Backward,

    /// <summary>One exchange with the stage before: the gradient of one micro-batch goes out, the activations of another come in.</summary>
    Previous,

    /// <summary>One exchange with the stage after: the activations of one micro-batch go out, the gradient of another comes in.</summary>
    Next,
}

/// <summary>One action of a stage.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="First">Micro-batch that is computed or goes out; <see cref="Nothing"/> if none goes out.</param>
/// <param name="Incoming">Micro-batch that comes in; <see cref="Nothing"/> if none does.</param>
internal readonly record struct PipelineAction(PipelineActionKind Kind, int First, int Incoming = PipelineAction.Nothing)
{
    public const int Nothing = -1;
}

/// <summary>
/// One forward, one backward (1F1B, PipeDream-Flush as in Megatron-LM): a stage warms up with as many forward passes as there are stages behind it, then alternates. Where a stage
/// has something to send and something to receive on one edge it does both in one exchange, and both ends of an edge list the same exchanges in the same order, so no buffer size can
/// make them wait for each other.
/// </summary>
internal static class PipelineSchedule
{
    /// <summary>Micro-batches whose activations a stage holds at once.</summary>
    public static int InFlight(int stage, int stages, int microBatches) => Math.Min(stages - stage, microBatches);

    /// <summary>All actions of a stage in one step.</summary>
    public static IReadOnlyList<PipelineAction> Of(int stage, int stages, int microBatches)
    {
        var actions = new List<PipelineAction>();
        var (isFirst, isLast) = (stage == 0, stage == stages - 1);
        var warmUp = Math.Min(stages - stage - 1, microBatches);
        for (var forward = 0; forward < warmUp; forward++)
        {
            Previous(PipelineAction.Nothing, forward);
            actions.Add(new PipelineAction(PipelineActionKind.Forward, forward));
            Next(forward, PipelineAction.Nothing);
        }

        if (warmUp < microBatches)
            Previous(PipelineAction.Nothing, warmUp);
        for (var forward = warmUp; forward < microBatches; forward++)
        {
            var backward = forward - warmUp;
            actions.Add(new PipelineAction(PipelineActionKind.Forward, forward));
            Next(forward, backward);
            actions.Add(new PipelineAction(PipelineActionKind.Backward, backward));
            Previous(backward, forward + 1 < microBatches ? forward + 1 : PipelineAction.Nothing);
        }

        for (var backward = microBatches - warmUp; backward < microBatches; backward++)
        {
            Next(PipelineAction.Nothing, backward);
            actions.Add(new PipelineAction(PipelineActionKind.Backward, backward));
            Previous(backward, PipelineAction.Nothing);
        }

        return actions;

        void Previous(int outgoing, int incoming)
        {
            if (!isFirst)
                actions.Add(new PipelineAction(PipelineActionKind.Previous, outgoing, incoming));
        }

        void Next(int outgoing, int incoming)
        {
            if (!isLast)
                actions.Add(new PipelineAction(PipelineActionKind.Next, outgoing, incoming));
        }
    }
}
