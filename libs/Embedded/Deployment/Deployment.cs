using System.Globalization;

namespace TrainMover.Embedded;

/// <summary>
/// A whole TrainMover on this host: broker, PostgreSQL, Detector, Planner, Executor and agents, each its own process. It stops what it started, and
/// nothing else, when it is disposed, and all of it ends when this process is killed; unless it is <see cref="DeploymentOptions.Detached"/>.
/// </summary>
public sealed class Deployment : IAsyncDisposable
{
    /// <summary>Name of the embedded broker's process.</summary>
    public const string Broker = "broker";

    // Elsewhere the control plane has machines of its own; here it must not slow training down. (Agents hand their share on to their workers.) The broker has its full share: it does little, and where other programs take the
    // cores as well, all that the control plane hears would come later and later.
    private const int ControlPlaneNiceness = 8;

    // What members that hold a plan do by themselves these two write down afterwards, in the very step that makes up for the pause. Where training stands still until they have decided, nobody else wants the cores.
    private const int DecidingNiceness = 13;

    private static readonly string[] Deciding = ["planner", "executor"];
    private static readonly string[] Services = ["detector", .. Deciding];

    private readonly DeploymentOptions _options;
    private readonly IProgress<string> _progress;
    private readonly List<ServiceProcess> _processes = [];
    private readonly HealthProbe _health;
    private EmbeddedPostgres? _postgres;
    private bool _ready;

    private Deployment(DeploymentOptions options, IProgress<string>? progress)
    {
        _options = options;
        _progress = progress ?? new Progress<string>();
        _health = new HealthProbe(options.RunDirectory);
        Environment = new DeploymentEnvironment(
            options.Kafka ?? "",
            options.Postgres ?? "",
            options.Schema,
            options.TopicPrefix,
            options.RunDirectory,
            Path.Combine(options.Directory, "anchors", $"{options.Schema}.jsonl"),
            options.Postgres is null ? Path.Combine(options.Directory, "postgres") : null,
            options.Detached ? null : ProcessIdentity.Of(System.Environment.ProcessId),
            options.Machines,
            []);
    }

    /// <summary>Where everything is.</summary>
    public DeploymentEnvironment Environment { get; private set; }

    /// <summary>Environment variables of every process of the deployment.</summary>
    public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string>(_options.Environment, StringComparer.Ordinal)
    {
        ["TRAINMOVER_ROOT"] = _options.Root,
        ["TRAINMOVER_KAFKA"] = Environment.Kafka,
        ["TRAINMOVER_POSTGRES"] = Environment.Postgres,
        ["TRAINMOVER_SCHEMA"] = Environment.Schema,
        ["TRAINMOVER_TOPIC_PREFIX"] = Environment.TopicPrefix,
        ["TRAINMOVER_RUN"] = Environment.RunDirectory,
        ["TRAINMOVER_ANCHORS"] = Environment.Anchors,
    };

    /// <summary>Starts everything and waits until all of it is healthy. What was started is stopped again when any of it fails.</summary>
    /// <param name="options">What to start.</param>
    /// <param name="progress">Told in plain words what is being started.</param>
    /// <param name="ct">Ends the start.</param>
    /// <exception cref="DeploymentException">A deployment runs in this folder already, or something did not become healthy in time.</exception>
    public static async Task<Deployment> StartAsync(DeploymentOptions options, IProgress<string>? progress = null, CancellationToken ct = default)
    {
        await RefuseSecondAsync(options);
        var deployment = new Deployment(options, progress);
        try
        {
            await deployment.StartAllAsync(ct);
            return deployment;
        }
        catch
        {
            await deployment.StopAllAsync();
            throw;
        }
    }

    /// <summary>Stops the deployment that was left running in a folder.</summary>
    /// <param name="folder">Folder of the deployment.</param>
    /// <param name="timeout">Time for a process to end after SIGTERM before it is killed.</param>
    /// <param name="progress">Told in plain words what is being stopped.</param>
    /// <returns>Names of what was stopped, in order; empty when nothing ran.</returns>
    public static async Task<IReadOnlyList<string>> StopAsync(string folder, TimeSpan timeout, IProgress<string>? progress = null)
    {
        if (DeploymentEnvironment.Load(folder) is not { } environment) return [];
        var stopped = new List<string>();
        var live = environment.Processes.Where(process => process.Process.IsAlive()).Reverse().ToList();
        foreach (var wave in Waves(live.Select(process => process.Name)))
        {
            var members = live.Where(process => wave.Contains(process.Name)).ToList();
            foreach (var member in members)
            {
                progress?.Report($"stopping {member.Name}");
                member.Process.Terminate();
            }

            foreach (var member in members)
            {
                if (!await member.Process.WaitForEndAsync(timeout)) member.Process.Kill();
                stopped.Add(member.Name);
            }
        }

        stopped.AddRange(await EndWorkersAsync(environment.RunDirectory));
        if (environment.PostgresDirectory is { } directory && EmbeddedPostgres.Attach(directory) is { } postgres)
        {
            await postgres.StopAsync();
            stopped.Add("postgres");
        }

        return stopped;
    }

    /// <summary>A process of the deployment by its name: <c>broker</c>, <c>detector</c>, <c>planner</c>, <c>executor</c>, <c>agent-MACHINE</c>.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="DeploymentException">There is none of this name.</exception>
    public ServiceProcess Process(string name) =>
        _processes.Find(process => process.Name == name) ?? throw new DeploymentException($"No process of the deployment is called {name}.");

    /// <summary>Starts a process that ended, or a further one of a known name, and waits until it is healthy.</summary>
    /// <param name="name">The name.</param>
    /// <param name="variables">Environment variables of this process only.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<ServiceProcess> StartProcessAsync(string name, IReadOnlyDictionary<string, string>? variables = null, CancellationToken ct = default)
    {
        var process = await LaunchAsync(name, variables);
        await _health.WaitUntilHealthyAsync(process, _options.StartTimeout, ct);
        return process;
    }

    /// <summary>SIGKILL for a process of the deployment.</summary>
    /// <param name="name">The name.</param>
    public Task KillAsync(string name) => Process(name).KillAsync();

    /// <summary>The worker process of a machine; null while it has none.</summary>
    /// <param name="machine">Machine id.</param>
    public ProcessIdentity? Worker(string machine) =>
        WorkerProcesses.Find(Environment.RunDirectory).FirstOrDefault(worker => worker.Machine == machine).Process;

    /// <summary>What a process says of its health; null when it does not answer.</summary>
    /// <param name="name">The name.</param>
    /// <param name="ct">Ends the question.</param>
    public Task<ServiceHealth?> HealthAsync(string name, CancellationToken ct = default) => _health.AskAsync(name, ct);

    /// <summary>Stops all that was started, in reverse order, unless the deployment is detached and became ready.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_options.Detached && _ready)
        {
            foreach (var process in _processes) process.Dispose();
        }
        else
        {
            await StopAllAsync();
        }

        _health.Dispose();
    }

    private static async Task RefuseSecondAsync(DeploymentOptions options)
    {
        if (DeploymentEnvironment.Load(options.Directory) is not { } previous || !previous.IsRunning()) return;
        if (previous.Owner is null || previous.Owner.IsAlive())
            throw new DeploymentException("A deployment is running already: stop it with ./trainmover down (or wait for the demo to end).");

        // Its owner was killed before it could clean up.
        await StopAsync(options.Directory, options.StopTimeout);
    }

    private async Task StartAllAsync(CancellationToken ct)
    {
        if (Directory.Exists(_options.RunDirectory)) Directory.Delete(_options.RunDirectory, recursive: true);
        foreach (var folder in (string[])[_options.RunDirectory, _options.LogDirectory, Path.GetDirectoryName(Environment.Anchors)!]) Directory.CreateDirectory(folder);
        foreach (var log in Directory.EnumerateFiles(_options.LogDirectory, "*.log")) File.Delete(log);

        if (_options.Postgres is null)
        {
            _progress.Report("starting PostgreSQL");
            _postgres = await EmbeddedPostgres.StartAsync(
                Environment.PostgresDirectory!,
                _options.PostgresPort,
                new EmbeddedPostgresOptions { Lifetime = _options.Detached ? PostgresLifetime.Detached : PostgresLifetime.Owned },
                ct);
            if (_postgres.Notice is { } notice) _progress.Report(notice);
            Environment = Environment with { Postgres = _postgres.ConnectionString };
        }

        if (_options.Kafka is null)
        {
            _progress.Report("starting the broker");
            Environment = Environment with { Kafka = await StartBrokerAsync(ct) };
        }

        _progress.Report("starting Detector, Planner and Executor");
        await LaunchAndWaitAsync(Services, ct);
        _progress.Report($"starting {string.Join(", ", _options.Machines.Select(machine => machine.Id))}");
        await LaunchAndWaitAsync([.. _options.Machines.Select(machine => AgentOf(machine.Id))], ct);
        _ready = true;
    }

    private async Task LaunchAndWaitAsync(IReadOnlyList<string> names, CancellationToken ct)
    {
        var processes = new List<ServiceProcess>();
        foreach (var name in names) processes.Add(await LaunchAsync(name));
        foreach (var process in processes) await _health.WaitUntilHealthyAsync(process, _options.StartTimeout, ct);
    }

    private async Task<string> StartBrokerAsync(CancellationToken ct)
    {
        var process = await LaunchAsync(Broker);
        var address = await HealthProbe.WaitForFileAsync(process, AddressFile, _options.StartTimeout, ct);
        return address;
    }

    private string AddressFile => Path.Combine(_options.RunDirectory, "broker.address");

    private async Task<ServiceProcess> LaunchAsync(string name, IReadOnlyDictionary<string, string>? variables = null)
    {
        if (_processes.Exists(other => other.Name == name && other.Identity.IsAlive())) throw new DeploymentException($"{name} runs already.");
        var (program, arguments) = Command(name);
        var environment = new Dictionary<string, string>(Variables, StringComparer.Ordinal) { ["TRAINMOVER_SERVICE"] = name };
        foreach (var (key, value) in variables ?? new Dictionary<string, string>()) environment[key] = value;
        File.Delete(_health.UrlFile(name));
        var niceness = Deciding.Contains(name) ? DecidingNiceness : Services.Contains(name) ? ControlPlaneNiceness : 0;
        var process = await ServiceProcess.StartAsync(name, Path.Combine(_options.Root, program), arguments, environment, _options.LogDirectory, niceness, endsWithStarter: !_options.Detached);
        _processes.RemoveAll(other => other.Name == name);
        _processes.Add(process);
        Environment = Environment with { Processes = [.. _processes.Select(child => new DeployedProcess(child.Name, child.Identity))] };
        Environment.Save(_options.Directory);
        return process;
    }

    private (string Program, string[] Arguments) Command(string name) => name switch
    {
        Broker => (Program("tools/Cli", "Cli"), ["broker", "--address-file", AddressFile, .. BrokerPort()]),
        "detector" => (Program("services/Detector", "Detector"), []),
        "planner" => (Program("services/Planner", "Planner"), []),
        "executor" => (Program("services/Executor", "Executor"), []),
        _ when _options.Machines.FirstOrDefault(machine => AgentOf(machine.Id) == name) is { } machine =>
            (Program("services/NodeAgent/Agent", "Agent"), ["--machine", machine.Id, "--role", machine.Role, "--owns-worker"]),
        _ => throw new DeploymentException($"No process of the deployment is called {name}."),
    };

    // A broker that is started again answers where its clients look for it.
    private string[] BrokerPort() =>
        Environment.Kafka.Length > 0 ? ["--port", Environment.Kafka[(Environment.Kafka.LastIndexOf(':') + 1)..]]
        : _options.KafkaPort is { } port ? ["--port", port.ToString(CultureInfo.InvariantCulture)]
        : [];

    private string Program(string folder, string name) => Path.Combine(folder, "bin", _options.Configuration, "net10.0", $"TrainMover.{name}.dll");

    private async Task StopAllAsync()
    {
        // Whatever cannot be stopped, the rest still is.
        var failures = new List<Exception>();
        async Task TryAsync(Func<Task> stop)
        {
            try
            {
                await stop();
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                lock (failures) failures.Add(failure);
            }
        }

        foreach (var wave in Waves(_processes.Select(process => process.Name)))
            await Task.WhenAll(_processes.Where(process => wave.Contains(process.Name)).Select(process => TryAsync(() => process.StopAsync(_options.StopTimeout))));
        await TryAsync(() => EndWorkersAsync(_options.RunDirectory));
        if (_postgres is not null) await TryAsync(async () => await _postgres.StopAsync());
        foreach (var process in _processes) process.Dispose();
        _processes.Clear();
        if (failures.Count > 0) throw new DeploymentException($"Not everything was stopped: {string.Join(" ", failures.Select(failure => failure.Message))}", failures[0]);
    }

    // Services first, so that nobody plans a migration because machines go away; the broker last.
    private static IEnumerable<IReadOnlySet<string>> Waves(IEnumerable<string> names) =>
        names.GroupBy(name => name == Broker ? 2 : Services.Contains(name) ? 0 : 1).OrderBy(wave => wave.Key).Select(wave => wave.ToHashSet(StringComparer.Ordinal));

    private static async Task<IReadOnlyList<string>> EndWorkersAsync(string runDirectory)
    {
        var workers = WorkerProcesses.Find(runDirectory);
        foreach (var (_, process) in workers) process.Kill();
        foreach (var (_, process) in workers) await process.WaitForEndAsync(TimeSpan.FromSeconds(5));
        return [.. workers.Select(worker => $"worker-{worker.Machine}")];
    }

    private static string AgentOf(string machine) => $"agent-{machine}";
}
