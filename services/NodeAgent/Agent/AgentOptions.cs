using TrainMover.Contracts.Fleet;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Agent;

/// <summary>Command line and environment of an agent.</summary>
internal sealed record AgentOptions(string Machine, MachineRole Role, string Host, bool OwnsWorker, string RunFolder, string WorkerAssembly)
{
    public const string Usage =
        "Usage: TrainMover.Agent --machine NAME --role training|standby|elastic [--host ADDRESS] [--owns-worker] [--kernel-log FILE|/dev/kmsg] [--scrape URL] [--behind SWITCH]";

    /// <summary>Time between two looks at the worker's process.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>How many looks make a heartbeat interval, 240 ms.</summary>
    public const int LooksPerHeartbeat = 12;

    public static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(10);

    // A worker that starts takes what the others leave of the cores: on a busy host that is little for long.
    public static readonly TimeSpan WorkerStartDeadline = TimeSpan.FromMinutes(2);

    /// <summary>The kernel log that is followed; none by default. <c>{machine}</c> in it stands for the machine, as in the address below.</summary>
    public string? KernelLog { get; init; }

    /// <summary>The exporter that is scraped; none by default.</summary>
    public ScrapeOptions? Scrape { get; init; }

    /// <summary>What the machine shares with others, and fails with: a switch, a rack.</summary>
    public string? Behind { get; init; }

    public string SocketPath => Path.Combine(RunFolder, $"worker-{Machine}.sock");

    public string WorkerLog => Path.Combine(RunFolder, $"worker-{Machine}.log");

    public static AgentOptions Parse(string[] args)
    {
        string? machine = null, role = null;
        var kernelLog = FromEnvironment("TRAINMOVER_KERNEL_LOG");
        var scrape = FromEnvironment("TRAINMOVER_SCRAPE");
        var behind = FromEnvironment("TRAINMOVER_BEHIND");
        var host = "127.0.0.1";
        var ownsWorker = false;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--machine": machine = ValueOf(args, ref i); break;
                case "--role": role = ValueOf(args, ref i); break;
                case "--host": host = ValueOf(args, ref i); break;
                case "--owns-worker": ownsWorker = true; break;
                case "--kernel-log": kernelLog = ValueOf(args, ref i); break;
                case "--behind": behind = ValueOf(args, ref i); break;
                case "--scrape": scrape = ValueOf(args, ref i); break;
                default: throw new FormatException($"{args[i]} is unknown. {Usage}");
            }
        }

        if (string.IsNullOrEmpty(machine))
            throw new FormatException($"--machine is needed. {Usage}");
        if (!Enum.TryParse<MachineRole>(role, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            throw new FormatException($"--role is '{role}'. {Usage}");
        return new AgentOptions(machine, parsed, host, ownsWorker, FindRunFolder(), FindWorker()) { Behind = behind, KernelLog = kernelLog?.Replace("{machine}", machine, StringComparison.Ordinal), Scrape = ScrapeOf(scrape?.Replace("{machine}", machine, StringComparison.Ordinal)) };
    }

    private static ScrapeOptions? ScrapeOf(string? endpoint)
    {
        if (endpoint is null) return null;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address)) throw new FormatException($"--scrape is '{endpoint}', which is no address. {Usage}");
        var options = new ScrapeOptions(address);
        return options.BrokenRule() is { } broken ? throw new FormatException($"--scrape: {broken} {Usage}") : options;
    }

    private static string? FromEnvironment(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set : null;

    private static string ValueOf(string[] args, ref int i) =>
        ++i < args.Length ? args[i] : throw new FormatException($"{args[i - 1]} has no value. {Usage}");

    private static string FindRunFolder()
    {
        var folder = Environment.GetEnvironmentVariable("TRAINMOVER_RUN") is { Length: > 0 } set ? set : Path.Combine(FindRoot(), ".trainmover", "run");
        Directory.CreateDirectory(folder);
        return Path.GetFullPath(folder);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TrainMover.sln")))
                return folder.FullName;
        }

        return Environment.CurrentDirectory;
    }

    // In the repository the worker lies beside the agent, built in the same configuration.
    private static string FindWorker()
    {
        if (Environment.GetEnvironmentVariable("TRAINMOVER_WORKER") is { Length: > 0 } set)
            return set;
        var output = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        var beside = Path.Combine(output.FullName, "TrainMover.Worker.dll");
        return File.Exists(beside)
            ? beside
            : Path.Combine(output.Parent!.Parent!.Parent!.Parent!.FullName, "Worker", "bin", output.Parent.Name, output.Name, "TrainMover.Worker.dll");
    }
}
