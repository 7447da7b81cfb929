using System.Diagnostics;
using System.Net.Sockets;
using StreamJsonRpc;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Embedded;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>A real worker process that was started by hand, with this test in its agent's place.</summary>
internal sealed class WorkerByHand : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly ServiceProcess _process;
    private readonly RecordingAgent _agent = new();
    private JsonRpc? _rpc;
    private IWorker? _worker;

    private WorkerByHand(string folder, ServiceProcess process) => (_folder, _process) = (folder, process);

    public Sightings Seen => _agent.Seen;

    public int Pid => _process.Identity.Pid;

    /// <summary>All that it wrote to standard output and standard error.</summary>
    public string Output => File.ReadAllText(_process.LogFile);

    /// <summary>Starts it, and returns once it listens.</summary>
    public static async Task<WorkerByHand> StartAsync(string machine)
    {
        var folder = Directory.CreateTempSubdirectory("trainmover-worker-").FullName;
        var program = Path.Combine(Repository.FindRoot(), "services", "NodeAgent", "Worker", "bin", Repository.Configuration, "net10.0", "TrainMover.Worker.dll");
        var socket = Path.Combine(folder, "worker.sock");
        var process = await ServiceProcess.StartAsync("worker", program, ["--machine", machine, "--socket", socket], new Dictionary<string, string>(), folder);
        var worker = new WorkerByHand(folder, process);
        try
        {
            await worker.ConnectAsync(socket);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    public Task<WorkerStatus> StatusAsync() => _worker!.GetStatusAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);

    public Task OrderAsync(AgentOrder order) => _worker!.ExecuteAsync(new AgentCommand(order), TestContext.Current.CancellationToken).WaitAsync(Patience);

    /// <summary>Tells it to end, and waits for it.</summary>
    public async Task EndAsync()
    {
        _process.Identity.Terminate();
        await _process.Ended.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        _rpc?.Dispose();
        await _process.KillAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ConnectAsync(string socket)
    {
        var started = Stopwatch.GetTimestamp();
        while (_worker is null)
        {
            try
            {
                (_rpc, _worker) = await WorkerConnection.ConnectAsync(socket, _agent, TestContext.Current.CancellationToken);
            }
            catch (SocketException) when (_process.Identity.IsAlive() && Stopwatch.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(Look);
            }
        }
    }
}
