using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Bench;

/// <summary>A model size of the matrix.</summary>
/// <param name="Name">For people.</param>
/// <param name="Model">Shape.</param>
/// <param name="Batch">Sequences per data-parallel rank and step.</param>
/// <param name="Steps">Steps to train.</param>
internal sealed record MigrateSize(string Name, JobFileModel Model, int Batch, int Steps)
{
    public static IReadOnlyList<MigrateSize> All { get; } =
    [
        new("1M", new JobFileModel { Layers = 5, Width = 128, Heads = 4, Context = 64 }, 16, 120),
        new("10M", new JobFileModel { Layers = 6, Width = 384, Heads = 8, Context = 64 }, 2, 110),
        new("50M", new JobFileModel { Layers = 8, Width = 720, Heads = 8, Context = 64 }, 1, 100),
    ];
}

/// <summary>A layout of the matrix, and which of its machines are interrupted.</summary>
/// <param name="Name">For people.</param>
/// <param name="Layout">Degrees of parallelism.</param>
/// <param name="Sharded">ZeRO-1.</param>
/// <param name="Interrupted">Places of the machines that are replaced on notice, together; the first of them is lost afterwards.</param>
internal sealed record MigrateLayout(string Name, JobFileLayout Layout, bool Sharded, params IReadOnlyList<int> Interrupted)
{
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);

    public static IReadOnlyList<MigrateLayout> All { get; } =
    [
        new("dp4", new JobFileLayout { Dp = 4 }, false, 1),
        new("dp2 x pp2", new JobFileLayout { Dp = 2, Pp = 2 }, false, 1),
        new("dp2 x tp2", new JobFileLayout { Dp = 2, Tp = 2 }, false, 1),
        new("dp2 x pp2 x tp2", new JobFileLayout { Dp = 2, Pp = 2, Tp = 2 }, false, 1),
        new("dp2 x pp2, a whole pipeline", new JobFileLayout { Dp = 2, Pp = 2 }, false, 1, 3),
        new("dp2 x pp2, ZeRO-1", new JobFileLayout { Dp = 2, Pp = 2 }, true, 1),
        new("pp3, first stage", new JobFileLayout { Dp = 1, Pp = 3 }, false, 0),
        new("pp3, middle stage", new JobFileLayout { Dp = 1, Pp = 3 }, false, 1),
        new("pp3, last stage", new JobFileLayout { Dp = 1, Pp = 3 }, false, 2),
    ];

    /// <summary>Whether a copy of every rank's state survives the loss of a machine.</summary>
    public bool HasCopies => Layout.Dp > 1;

    // Preparing takes the time of many steps: cores are shared with training here.
    public Interruptions Interruptions => new(Interrupted, Interrupted[0], MaintainedAt: 0.1, LostAt: 0.5);

    public RunSetup Setup => new() { Elastic = Interrupted.Count, StepsLimit = StepsLimit };

    /// <summary>The job in a size.</summary>
    public JobFile Job(MigrateSize size) => new()
    {
        Id = "bench",
        Seed = 7,
        Layout = Layout,
        Model = size.Model,
        Steps = size.Steps,
        BatchPerRank = Layout.Pp > 1 ? Math.Max(2, size.Batch) : size.Batch,
        MicroBatches = Layout.Pp > 1 ? 2 : 1,
        ShardOptimizer = Sharded,
        CheckpointEvery = HasCopies ? 0 : Math.Max(1, size.Steps / 12),
    };
}
