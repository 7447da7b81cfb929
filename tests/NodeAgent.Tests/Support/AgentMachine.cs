using System.Diagnostics;
using System.Globalization;
using TrainMover.Contracts;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Embedded;
using TrainMover.Messaging;

namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>A machine: the real agent and its real worker, on a broker of their own. Everything they publish is seen.</summary>
internal sealed class AgentMachine : IAsyncDisposable
{
    public const string Id = "m0";
    private const string Agent = $"agent-{Id}";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("trainmover-agent-").FullName;
    private readonly CancellationTokenSource _end = new();
    private readonly KafkaPublisher _publisher;
    private readonly HealthProbe _health;
    private readonly Task _reading;

    private AgentMachine()
    {
        var kafka = new KafkaOptions { BootstrapServers = Broker.BootstrapServers, ConsumerGroup = "tests" };
        _publisher = new KafkaPublisher(kafka);
        _health = new HealthProbe(RunFolder);
        _reading = Task.Run(() => ReadAsync(kafka));
    }

    public EmbeddedBroker Broker { get; } = EmbeddedBroker.Start();

    public Sightings Seen { get; } = new();

    /// <summary>The agent; none when it was killed.</summary>
    public ServiceProcess? Process { get; private set; }

    /// <summary>What the worker said of itself when the agent announced it first.</summary>
    public WorkerStatus FirstWorker { get; private set; } = null!;

    private string RunFolder => Path.Combine(_folder, "run");

    /// <summary>Starts agent and worker, and returns once orders are heard.</summary>
    public static async Task<AgentMachine> StartAsync()
    {
        var machine = new AgentMachine();
        try
        {
            await machine.StartAgentAsync();
            machine.FirstWorker = (await machine.Seen.FirstAsync<Announced>()).Worker;
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    public async Task StartAgentAsync()
    {
        var program = Path.Combine(Repository.FindRoot(), "services", "NodeAgent", "Agent", "bin", Repository.Configuration, "net10.0", "TrainMover.Agent.dll");
        var environment = new Dictionary<string, string> { ["TRAINMOVER_KAFKA"] = Broker.BootstrapServers, ["TRAINMOVER_RUN"] = RunFolder };
        Process = await ServiceProcess.StartAsync(Agent, program, ["--machine", Id, "--role", "standby"], environment, _folder);
    }

    public async Task KillAgentAsync()
    {
        await Process!.KillAsync();
        Process.Dispose();
        Process = null;
    }

    public Task OrderAsync(AgentOrder order) => PublishAsync(new AgentCommand(order));

    public Task PublishAsync(object message) => _publisher.PublishAsync(MessageKey.Of(message), _publisher.Wrap(message, MessageKey.Of(message)));

    /// <summary>Waits until the agent says that so many reports wait behind the one that it tries to publish.</summary>
    public async Task WaitForBacklogAsync(int reports)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var said = (await _health.AskAsync(Agent))?.Checks.GetProperty("reports").GetString();
            if (said is not null && int.Parse(said.Split(' ')[0], CultureInfo.InvariantCulture) >= reports)
                return;
            if (Stopwatch.GetElapsedTime(started) > Patience)
                throw new TimeoutException($"Waited for {reports} waiting reports; the agent says: {said}.");
            await Task.Delay(Look);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
            await Process.StopAsync(TimeSpan.FromSeconds(10));
        Process?.Dispose();
        foreach (var (_, worker) in Directory.Exists(RunFolder) ? WorkerProcesses.Find(RunFolder) : [])
        {
            worker.Kill();
            await worker.WaitForEndAsync(TimeSpan.FromSeconds(5));
        }

        await _end.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _publisher.DisposeAsync();
        Broker.Dispose();
        _health.Dispose();
        _end.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What is published again after a lost acknowledgement has the same id: receivers drop it.
    private async Task ReadAsync(KafkaOptions kafka)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var reader = new AssignedReader(kafka, new AssignedReaderOptions { Topics = [Topics.Progress, Topics.Telemetry], StartAt = StartAt.Beginning });
        await foreach (var batch in reader.ReadAsync(_end.Token))
        {
            foreach (var envelope in batch.Select(message => message.Envelope).Where(envelope => ids.Add(envelope.Id)))
                Seen.Add(envelope.Data is AgentReport report ? report.Report : envelope.Data);
        }
    }
}
