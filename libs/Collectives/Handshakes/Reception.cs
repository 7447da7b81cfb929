using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// Receives whoever connects. A peer may be ahead of this side and dial for a generation that is not known here yet: it waits, within bounds. Everybody else
/// who does not prove a place in a known generation gets a closed socket.
/// </summary>
internal sealed class Reception(string machine, TimeSpan patience) : IDisposable
{
    private const int MostAtOnce = 1024;
    private const int MostParked = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Job, int Generation), Membership> _known = [];
    private readonly Dictionary<string, int> _latest = new(StringComparer.Ordinal);
    private readonly List<(string Job, int Generation, TaskCompletionSource<Membership?> Arrival)> _parked = [];
    private readonly HashSet<Socket> _visitors = [];
    private bool _closed;
    private long _rejected;

    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>Connections that wait for this side to learn of their generation.</summary>
    public int Parked
    {
        get
        {
            lock (_gate)
                return _parked.Count;
        }
    }

    /// <exception cref="InvalidOperationException">This generation is being made already.</exception>
    public void Expect(Membership membership)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (!_known.TryAdd(membership.Key, membership))
                throw new InvalidOperationException($"Generation {membership.To.Generation} of {membership.To.Job} is being prepared on {machine} already.");
            foreach (var parked in _parked.Where(parked => (parked.Job, parked.Generation) == membership.Key))
                parked.Arrival.TrySetResult(membership);
        }
    }

    /// <summary>The generation is made or given up: nobody may connect to it any more.</summary>
    public void Forget(Membership membership, bool made)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(membership.Key, out var known) && ReferenceEquals(known, membership))
                _known.Remove(membership.Key);
            if (made)
                _latest[membership.To.Job] = membership.To.Generation;
        }

        membership.Dispose();
    }

    public async Task ReceiveAsync(Socket visitor)
    {
        lock (_gate)
        {
            if (_closed || _visitors.Count >= MostAtOnce)
            {
                Reject(visitor);
                return;
            }

            _visitors.Add(visitor);
        }

        var taken = false;
        try
        {
            visitor.NoDelay = true;
            var (hello, payload, proof) = await OnOwnThread(() => Handshake.ReadHello(visitor, patience)).ConfigureAwait(false);
            if (hello.ToMachine == machine && await FindAsync(hello).ConfigureAwait(false) is { } membership && membership.Admits(hello))
            {
                await OnOwnThread(() =>
                {
                    Handshake.Answer(visitor, payload, proof, membership.To.Key, patience);
                    return true;
                }).ConfigureAwait(false);
                Handshake.Finish(visitor, patience);
                taken = membership.Deliver(hello, visitor);
            }
        }
        catch (Exception unproven) when (unproven is IOException or TimeoutException or SocketException or ObjectDisposedException)
        {
            // Not proven: closed and counted below.
        }
        finally
        {
            lock (_gate)
                _visitors.Remove(visitor);
            if (!taken)
                Reject(visitor);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var visitor in _visitors)
                Wire.Reset(visitor);
            foreach (var parked in _parked)
                parked.Arrival.TrySetResult(null);
            foreach (var membership in _known.Values)
                membership.Dispose();
            _known.Clear();
        }
    }

    private async Task<Membership?> FindAsync(Hello hello)
    {
        TaskCompletionSource<Membership?> arrival;
        lock (_gate)
        {
            if (_known.TryGetValue((hello.Job, hello.Generation), out var known))
                return known;
            var isOld = _latest.TryGetValue(hello.Job, out var latest) && hello.Generation <= latest;
            if (_closed || isOld || _parked.Count >= MostParked)
                return null;
            arrival = new TaskCompletionSource<Membership?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _parked.Add((hello.Job, hello.Generation, arrival));
        }

        try
        {
            return await arrival.Task.WaitAsync(patience).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _parked.RemoveAll(parked => parked.Arrival == arrival);
        }
    }

    private void Reject(Socket visitor)
    {
        Interlocked.Increment(ref _rejected);
        visitor.Dispose();
    }

    // A hand-shake blocks on the socket for up to its deadline, which the thread pool should not pay for.
    private static Task<T> OnOwnThread<T>(Func<T> act) =>
        Task.Factory.StartNew(act, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
