namespace TrainMover.Embedded;

/// <summary>A machine of a deployment: an agent process with its worker.</summary>
/// <param name="Id">Machine id, for example <c>m0</c>.</param>
/// <param name="Role">What it is kept for: <c>training</c>, <c>standby</c> or <c>elastic</c>.</param>
public sealed record MachineSetup(string Id, string Role)
{
    /// <summary>Names machines the way the command line does: <c>m0..</c> train, <c>s0..</c> stand by, <c>e0..</c> are elastic.</summary>
    /// <param name="training">Number of training machines.</param>
    /// <param name="standbys">Number of general standbys.</param>
    /// <param name="elastic">Number of elastic machines.</param>
    public static IReadOnlyList<MachineSetup> Fleet(int training, int standbys, int elastic) =>
    [
        .. Enumerable.Range(0, training).Select(index => new MachineSetup($"m{index}", "training")),
        .. Enumerable.Range(0, standbys).Select(index => new MachineSetup($"s{index}", "standby")),
        .. Enumerable.Range(0, elastic).Select(index => new MachineSetup($"e{index}", "elastic")),
    ];
}

/// <summary>What a <see cref="Deployment"/> starts, and where.</summary>
public sealed record DeploymentOptions
{
    /// <summary>Root of the repository, where the built programs are found.</summary>
    public required string Root { get; init; }

    /// <summary>Folder of everything the deployment writes. Default: <c>.trainmover</c> under <see cref="Root"/>.</summary>
    public string Directory { get => field ?? Path.Combine(Root, ".trainmover"); init; }

    /// <summary>Build configuration whose programs are started: <c>Release</c> (default) or <c>Debug</c>.</summary>
    public string Configuration { get; init; } = "Release";

    /// <summary>Schema of the event log; lower-case letters, digits and underscores.</summary>
    public string Schema { get; init; } = "trainmover";

    /// <summary>Prefix of all topics.</summary>
    public string TopicPrefix { get; init; } = "trainmover.";

    /// <summary>Machines to start.</summary>
    public IReadOnlyList<MachineSetup> Machines { get; init; } = MachineSetup.Fleet(3, 1, 1);

    /// <summary>Bootstrap servers of a Kafka to use; null starts the embedded broker.</summary>
    public string? Kafka { get; init; }

    /// <summary>Connection string of a PostgreSQL to use; null starts a private cluster.</summary>
    public string? Postgres { get; init; }

    /// <summary>Port of the embedded broker on 127.0.0.1; null (default) for a free one.</summary>
    public int? KafkaPort { get; init; }

    /// <summary>Port of the private PostgreSQL on 127.0.0.1; null (default) for a free one.</summary>
    public int? PostgresPort { get; init; }

    /// <summary>Leave everything running when the deployment object is disposed (<c>up</c>).</summary>
    public bool Detached { get; init; }

    /// <summary>Further environment variables for every process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>How long a process may take until it is healthy. Default: 60 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a process may take to end after SIGTERM before it is killed. Default: 8 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(8);

    internal string RunDirectory => Path.Combine(Directory, "run");

    internal string LogDirectory => Path.Combine(Directory, "logs");
}

/// <summary>Finds the repository to which a running program belongs.</summary>
public static class Repository
{
    /// <summary>Root: <c>TRAINMOVER_ROOT</c>, or the nearest folder above the program that holds the solution.</summary>
    /// <exception cref="DeploymentException">The program was moved out of the repository.</exception>
    public static string FindRoot()
    {
        if (Environment.GetEnvironmentVariable("TRAINMOVER_ROOT") is { Length: > 0 } root) return root;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TrainMover.sln"))) return folder.FullName;
        }

        throw new DeploymentException("The repository was not found above the program: start it with ./trainmover, or set TRAINMOVER_ROOT.");
    }

    /// <summary>Build configuration of the running program, read off its path.</summary>
    public static string Configuration =>
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Debug" : "Release";
}
