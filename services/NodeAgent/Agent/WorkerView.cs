using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>What the agent knows of its worker at this moment; shared by the parts of the agent.</summary>
internal sealed class WorkerView
{
    private readonly Lock _gate = new();
    private IWorker? _worker;
    private WorkerStatus? _status;
    private Release? _release;
    private TaskCompletionSource<string> _ending = NewEnding();

    /// <summary>Completes when the process of the connected worker begins to end, with how it ends, in words.</summary>
    public Task<string> Ending
    {
        get
        {
            lock (_gate)
                return _ending.Task;
        }
    }

    public IWorker? Worker
    {
        get
        {
            lock (_gate)
                return _worker;
        }
    }

    public WorkerStatus? Status
    {
        get
        {
            lock (_gate)
                return _status;
        }
    }

    /// <summary>The worker was told to go. An order that comes late or again finds a machine without a rank, or one that joined since: that one stays.</summary>
    public bool IsReleased
    {
        get
        {
            lock (_gate)
                return _status is { Generation: > 0 } status && _release is { } release && release.JobId == status.JobId && release.Generation > status.Generation;
        }
    }

    public void Connected(IWorker worker, WorkerStatus status)
    {
        lock (_gate)
            (_worker, _status, _release, _ending) = (worker, status, null, NewEnding());
    }

    /// <summary>The process of a worker begins to end; nothing where another one is connected by now.</summary>
    public void Ends(int pid, ProcessState state)
    {
        lock (_gate)
        {
            if (_status?.Pid == pid)
                _ending.TrySetResult(state.DescribeEnd());
        }
    }

    public void Lost()
    {
        lock (_gate)
            (_worker, _status) = (null, null);
    }

    public void Seen(WorkerStatus status)
    {
        lock (_gate)
        {
            if (_worker is not null)
                _status = status;
        }
    }

    public void Trains(string job, int generation)
    {
        lock (_gate)
            _status = _status is null ? null : _status with { JobId = job, Generation = generation };
    }

    public void Relayed(Release release)
    {
        lock (_gate)
        {
            if (_release is null || _release.JobId != release.JobId || _release.Generation < release.Generation)
                _release = release;
        }
    }

    private static TaskCompletionSource<string> NewEnding() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
