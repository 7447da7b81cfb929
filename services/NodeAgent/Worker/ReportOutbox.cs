using System.Threading.Channels;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Worker;

/// <summary>
/// Keeps what the worker has to say until an agent has taken it. Reports are acknowledged one by one, in order, and wait while no agent is
/// connected (the oldest go first when there are too many); telemetry of that time is old news and dropped sooner.
/// </summary>
internal sealed class ReportOutbox : IAsyncDisposable
{
    private const int KeptReports = 1024;
    private const int KeptTelemetry = 256;

    private readonly Lock _gate = new();
    private readonly LinkedList<AgentReport> _reports = [];
    private readonly Channel<object> _telemetry = Channel.CreateBounded<object>(new BoundedChannelOptions(KeptTelemetry) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reporting;
    private readonly Task _telling;
    private TaskCompletionSource _changed = NewSignal();
    private IWorkerObserver? _observer;

    public ReportOutbox()
    {
        _reporting = Task.Run(SendReportsAsync);
        _telling = Task.Run(SendTelemetryAsync);
    }

    public void Add(MachineReport report)
    {
        lock (_gate)
        {
            _reports.AddLast(new AgentReport(report));
            if (_reports.Count > KeptReports)
                _reports.RemoveFirst();
            Change();
        }
    }

    public void Add(StepCompleted step) => _telemetry.Writer.TryWrite(step);

    public void Add(PeerUnreachable peer) => _telemetry.Writer.TryWrite(peer);

    public void Add(RankWaiting rank) => _telemetry.Writer.TryWrite(rank);

    /// <summary>The agent that is told from now on; the latest to connect.</summary>
    public void Connect(IWorkerObserver observer)
    {
        lock (_gate)
        {
            _observer = observer;
            Change();
        }
    }

    public void Disconnect(IWorkerObserver observer)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_observer, observer))
                _observer = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_reporting, _telling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task SendReportsAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var (observer, report, changed) = Next();
            if (observer is null || report is null)
            {
                await changed.WaitAsync(_stopping.Token);
                continue;
            }

            if (!await TellAsync(observer, report))
                continue;
            lock (_gate)
                _reports.Remove(report);
        }
    }

    private (IWorkerObserver? Observer, AgentReport? Report, Task Changed) Next()
    {
        lock (_gate)
            return (_observer, _reports.First?.Value, _changed.Task);
    }

    private async Task SendTelemetryAsync()
    {
        await foreach (var message in _telemetry.Reader.ReadAllAsync(_stopping.Token))
        {
            IWorkerObserver? observer;
            lock (_gate)
                observer = _observer;
            if (observer is not null)
                await TellAsync(observer, message);
        }
    }

    private async Task<bool> TellAsync(IWorkerObserver observer, object message)
    {
        try
        {
            await (message switch
            {
                AgentReport report => observer.OnReportAsync(report, _stopping.Token),
                StepCompleted step => observer.OnStepCompletedAsync(step, _stopping.Token),
                PeerUnreachable peer => observer.OnPeerUnreachableAsync(peer, _stopping.Token),
                RankWaiting rank => observer.OnRankWaitingAsync(rank, _stopping.Token),
                _ => throw new ArgumentException($"{message.GetType().Name} cannot be told.", nameof(message)),
            });
            return true;
        }
        catch (Exception) when (!_stopping.IsCancellationRequested)
        {
            // Whatever befell this agent: the next one is told.
            Disconnect(observer);
            return false;
        }
    }

    private void Change()
    {
        var changed = _changed;
        _changed = NewSignal();
        changed.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
