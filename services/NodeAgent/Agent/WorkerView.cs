using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>What the agent knows of its worker at this moment; shared by the parts of the agent.</summary>
internal sealed class WorkerView
{
    private readonly Lock _gate = new();
    private IWorker? _worker;
    private WorkerStatus? _status;
    private bool _releaseRelayed;

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

    public bool ReleaseRelayed
    {
        get
        {
            lock (_gate)
                return _releaseRelayed;
        }
    }

    public void Connected(IWorker worker, WorkerStatus status)
    {
        lock (_gate)
            (_worker, _status, _releaseRelayed) = (worker, status, false);
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

    public void RelayRelease()
    {
        lock (_gate)
            _releaseRelayed = true;
    }
}
