using TrainMover.Collectives;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;
using TrainMover.Training.Session;

namespace TrainMover.Worker;

/// <summary>A job's specification as what the session trains.</summary>
internal static class JobTranslation
{
    public static SessionJob ToJob(JobSpec spec) => new(spec.JobId, ToShape(spec), ToRecipe(spec), spec.DataFile, spec.Directory)
    {
        Layout = ToLayout(spec),
        Devices = spec.Devices,
        CheckpointEvery = spec.CheckpointEvery,
        Techniques = spec.Techniques is { } techniques ? new MigrationTechniques(techniques.TwoPhaseGroups, techniques.Sandbox, techniques.Following, techniques.HotStandby) : new MigrationTechniques(),
    };

    public static ParallelLayout ToLayout(JobSpec spec) => new(spec.Layout.Dp, spec.Layout.Pp, spec.Layout.Tp);

    public static ModelShape ToShape(JobSpec spec) => new(spec.Model.Layers, spec.Model.Width, spec.Model.Heads, spec.Model.Context, spec.Model.Dropout);

    public static TrainingRecipe ToRecipe(JobSpec spec) => new(spec.Seed, spec.Steps, spec.BatchPerRank, spec.LearningRate)
    {
        MicroBatches = spec.MicroBatches,
        ShardOptimizer = spec.ShardOptimizer,
    };
}
