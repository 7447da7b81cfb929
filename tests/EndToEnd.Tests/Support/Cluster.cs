using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TrainMover.Contracts;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain;
using TrainMover.Domain.Jobs;
using TrainMover.Embedded;
using TrainMover.EventLog;
using TrainMover.Fixtures;
using TrainMover.Messaging;

namespace TrainMover.EndToEnd.Tests.Support;

/// <summary>A whole deployment of real processes for one test class, with eyes on its log and hands on its processes.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>
    /// How a slow worker is treated: here it is only logged, unless a test says otherwise. Steps take some tens of milliseconds on cores that anybody may use: who really is slow for two seconds would be moved, rightly, in the middle of
    /// another test.
    /// </summary>
    public const string SlowdownMode = "Detectors__peer-slowdown__Mode";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ServiceProvider _services;
    private readonly string _directory;

    private Cluster(Deployment deployment, ServiceProvider services, string directory)
    {
        (Deployment, _services, _directory) = (deployment, services, directory);
        Log = services.GetRequiredService<IEventLog>();
        Kafka = new KafkaOptions { BootstrapServers = deployment.Environment.Kafka, ConsumerGroup = "tests", TopicPrefix = deployment.Environment.TopicPrefix };
        Publisher = new KafkaPublisher(Kafka);
    }

    public Deployment Deployment { get; }

    public IEventLog Log { get; }

    public KafkaOptions Kafka { get; }

    public KafkaPublisher Publisher { get; }

    /// <summary>Folder in which the command line finds the deployment.</summary>
    public string Home => _directory;

    public string CrashFile => Path.Combine(_directory, "crash");

    /// <summary>A small model whose steps take some tens of milliseconds: what is tested is the way, not the arithmetic, nor a flood of steps.</summary>
    public static JobModel Small { get; } = new(Layers: 4, Width: 96, Heads: 4, Context: 64);

    public static async Task<Cluster> StartAsync(PostgresFixture postgres, IReadOnlyList<MachineSetup>? machines = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var directory = Directory.CreateTempSubdirectory("trainmover-e2e-").FullName;
        var schema = PostgresFixture.NewSchema();
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [SlowdownMode] = "log-only",
            ["TRAINMOVER_CRASH_FILE"] = Path.Combine(directory, "crash"),
            // Most of what a process here lives through is its start: what was not compiled ahead is compiled quickly, and not again.
            ["DOTNET_TieredCompilation"] = "1",
            ["DOTNET_TC_CallCounting"] = "0",
            ["Planning__FailureQuarantine"] = "00:00:00",
            ["Planning__MaintenanceQuarantine"] = "00:00:00",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) variables[name] = value;
        var deployment = await Deployment.StartAsync(new DeploymentOptions
        {
            Root = Repository.FindRoot(),
            Configuration = Repository.Configuration,
            Directory = directory,
            Schema = schema,
            Postgres = postgres.ConnectionString,
            Machines = machines ?? MachineSetup.Fleet(3, 1, 1),
            Environment = variables,
        });
        var services = new ServiceCollection().AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSingleton(typeof(ILogger<>), typeof(NullLogger<>))
            .AddEventLog(postgres.ConnectionString, options =>
            {
                options.Schema = schema;
                options.Events = Catalog.LoggedEvents;
                options.Json = Catalog.Json;
                options.Anchor(deployment.Environment.Anchors, write: false);
            }).BuildServiceProvider();
        return new Cluster(deployment, services, directory);
    }

    public IntegrityVerifier Verifier => _services.GetRequiredService<IntegrityVerifier>();

    /// <summary>Waits until all machines are registered: the Planner chooses among those.</summary>
    public async Task RegisteredAsync()
    {
        // Workers start on what the others leave of the cores.
        foreach (var machine in Deployment.Environment.Machines)
            await WaitForAsync<MachineRegistered>($"{machine.Id} to be registered", registered => registered.MachineId == machine.Id, TimeSpan.FromMinutes(2));
    }

    /// <summary>Submits a job on this project's own text and waits until it runs and all machines are there.</summary>
    public async Task<JobSpec> SubmitAsync(string id, int steps, JobModel? model = null, JobLayout? layout = null)
    {
        layout ??= new JobLayout(3);
        var folder = Directory.CreateDirectory(Path.Combine(_directory, "jobs", id)).FullName;
        var text = Path.Combine(folder, "corpus.txt");
        await File.WriteAllTextAsync(text, string.Concat(Directory.EnumerateFiles(Path.Combine(Repository.FindRoot(), "libs", "Domain"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(File.ReadAllText)));
        var spec = new JobSpec(id, layout, steps, 7, 2, 1e-3f, model ?? Small, text, folder, MicroBatches: layout.Pp > 1 ? 2 : 1);
        await Log.AppendAsync([new StreamAppend(Job.Stream(id), 0, Job.Initial.Submit(spec))], new AppendContext("tests", id));
        await RegisteredAsync();
        await WaitForAsync<JobStarted>($"job {id} to start", started => started.JobId == id);
        return spec;
    }

    /// <summary>Publishes telemetry; returns the message's id.</summary>
    public async Task<string> TellAsync(object message)
    {
        var envelope = Publisher.Wrap(message, MessageKey.Of(message));
        await Publisher.PublishAsync(MessageKey.Of(message), envelope);
        return envelope.Id;
    }

    public async Task<World> WorldAsync()
    {
        var world = new World();
        await foreach (var logged in Log.ReadAllAsync()) world.Apply(logged.Stream, logged.Version, logged.Data);
        return world;
    }

    /// <summary>The only interruption that was found; fails with all of them when there are others.</summary>
    public async Task<InterruptionRaised> OnlyInterruptionAsync()
    {
        var found = (await WorldAsync()).Interruptions.ToList();
        if (found is [{ Raised: { } only }]) return only;
        throw new InvalidOperationException($"{found.Count} interruptions where one is expected: {string.Join('\n', found.Select(one => $"{one.Status} {JsonSerializer.Serialize(one.Raised)}"))}\n{await StoryAsync()}");
    }

    /// <summary>Waits until the log holds an event; says what it waited for when it does not come.</summary>
    public async Task<(LoggedEvent Logged, T Data)> WaitForAsync<T>(string what, Func<T, bool>? which = null, TimeSpan? deadline = null)
        where T : class
    {
        var types = new HashSet<string>([Catalog.Of(typeof(T)).Name], StringComparer.Ordinal);
        var seen = 0L;
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            await foreach (var logged in Log.ReadAllAsync(seen, types))
            {
                seen = logged.Sequence;
                if (logged.Data is T data && which?.Invoke(data) != false) return (logged, data);
            }

            if (Stopwatch.GetElapsedTime(started) > (deadline ?? TimeSpan.FromSeconds(30))) throw new TimeoutException($"Waited in vain for {what}.\n{await StoryAsync()}");
            await Task.Delay(Look);
        }
    }

    /// <summary>Waits for something; says what it waited for when it does not come.</summary>
    public async Task WaitAsync(Task happens, string what)
    {
        try
        {
            await happens.WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"Waited in vain for {what}.\n{await StoryAsync()}", late);
        }
    }

    /// <summary>Waits until a migration is completed, another one than <paramref name="after"/>.</summary>
    public async Task<MigrationCompleted> CompletedAsync(MigrationCompleted? after = null, TimeSpan? deadline = null) =>
        (await WaitForAsync<MigrationCompleted>($"a migration to complete{(after is null ? "" : $" after {after.MigrationId}")}", completed => completed.MigrationId != after?.MigrationId, deadline)).Data;

    /// <summary>The end of the log and of every process's output, for a failure message.</summary>
    public async Task<string> StoryAsync()
    {
        var events = new List<string>();
        await foreach (var logged in Log.ReadAllAsync()) events.Add($"{logged.Sequence} {logged.RecordedAt:HH:mm:ss.fff} {logged.Actor} {logged.Stream} {logged.Type} {logged.Json}");
        var logs = Directory.EnumerateFiles(Path.Combine(_directory, "logs"), "*.log").Select(file => $"--- {Path.GetFileName(file)}\n{string.Join('\n', File.ReadLines(file).TakeLast(8))}");
        return string.Join('\n', events.TakeLast(60).Select(line => line.Length > 700 ? line[..700] : line)) + "\n" + string.Join('\n', logs);
    }

    public async ValueTask DisposeAsync()
    {
        await Publisher.DisposeAsync();
        await Deployment.DisposeAsync();
        await _services.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
