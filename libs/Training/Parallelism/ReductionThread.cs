using System.Runtime.ExceptionServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// Calls collectives for a rank while its training thread computes. Made once, asleep between steps; a step allocates nothing here. How long a call lasts is limited by the deadlines of the
/// collectives; what it throws surfaces in the training thread.
/// </summary>
internal sealed class ReductionThread : IDisposable
{
    private readonly object _gate = new();
    private readonly Action<IRankGroups, int> _reduce;
    private readonly int _buckets;
    private readonly Thread _thread;
    private IRankGroups? _groups;
    private ExceptionDispatchInfo? _failure;
    private int _released;
    private int _reduced;
    private bool _busy;
    private bool _stopping;

    public ReductionThread(int buckets, Action<IRankGroups, int> reduce)
    {
        (_buckets, _reduce) = (buckets, reduce);
        _thread = new Thread(Run) { IsBackground = true, Name = "gradient reduction" };
        _thread.Start();
    }

    /// <summary>Begins a step; waits for a call that an abandoned step left behind.</summary>
    public void Begin(IRankGroups groups)
    {
        lock (_gate)
        {
            while (_busy)
                Monitor.Wait(_gate);
            (_groups, _failure, _released, _reduced) = (groups, null, 0, 0);
        }
    }

    /// <summary>The first <paramref name="buckets"/> buckets are final.</summary>
    public void Release(int buckets)
    {
        lock (_gate)
        {
            _released = Math.Max(_released, buckets);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until every bucket is reduced.</summary>
    /// <exception cref="CollectiveException">A collective failed.</exception>
    public void Complete()
    {
        lock (_gate)
        {
            while (_reduced < _buckets && _failure is null)
                Monitor.Wait(_gate);
            _groups = null;
            _failure?.Throw();
        }
    }

    /// <summary>The step has failed: no further call is begun. One that is under way ends by itself, with its group.</summary>
    public void Abandon()
    {
        lock (_gate)
            _groups = null;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            IRankGroups groups;
            int bucket;
            lock (_gate)
            {
                while (!_stopping && (_groups is null || _failure is not null || _reduced >= _released))
                    Monitor.Wait(_gate);
                if (_stopping)
                    return;
                (groups, bucket, _busy) = (_groups!, _reduced, true);
            }

            ExceptionDispatchInfo? failure = null;
            try
            {
                _reduce(groups, bucket);
            }
            catch (Exception broken)
            {
                failure = ExceptionDispatchInfo.Capture(broken);
            }

            lock (_gate)
            {
                _busy = false;
                _failure = failure;
                if (failure is null)
                    _reduced++;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
