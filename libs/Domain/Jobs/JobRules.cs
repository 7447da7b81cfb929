using TrainMover.Contracts.Jobs;

namespace TrainMover.Domain.Jobs;

/// <summary>What a specification must obey before anybody trains it.</summary>
public static class JobRules
{
    /// <summary>The first rule that a specification breaks, as a part of a sentence; null when it breaks none.</summary>
    public static string? BrokenBy(JobSpec spec)
    {
        var (layout, model) = (spec.Layout, spec.Model);
        if (layout.Dp < 1 || layout.Pp < 1 || layout.Tp < 1) return $"dp {layout.Dp}, pp {layout.Pp} and tp {layout.Tp} are not all 1 or more";
        if (spec.Devices < 1 || spec.Devices % layout.Tp != 0) return $"{spec.Devices} devices per machine do not hold whole tensor-parallel groups of {layout.Tp}";
        if (layout.Ranks % spec.Devices != 0) return $"{layout.Ranks} ranks do not fill machines with {spec.Devices} devices";
        if (spec.Steps < 1) return "it has no step";
        if (spec.BatchPerRank < 1) return "a rank trains no sequence";
        if (spec.MicroBatches < 1 || spec.BatchPerRank % spec.MicroBatches != 0) return $"{spec.MicroBatches} micro-batches do not divide a batch of {spec.BatchPerRank}";
        if (spec.CheckpointEvery < 0) return "checkpointEvery is negative";
        if (spec.ShardOptimizer && layout.Dp < 2) return "an optimizer is sharded over at least 2 data-parallel ranks";
        if (model.Heads < 1 || model.Width % model.Heads != 0) return $"width {model.Width} is not a multiple of {model.Heads} heads";
        if (model.Heads % layout.Tp != 0) return $"{model.Heads} heads are not a multiple of tp {layout.Tp}";
        return model.Layers < layout.Pp ? $"{model.Layers} layers do not fill {layout.Pp} pipeline stages" : null;
    }
}
