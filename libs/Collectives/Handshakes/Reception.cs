namespace TrainMover.Collectives;

/// <summary>The generations that machines may connect for at present. Whoever does not prove a place in one of them gets a closed socket.</summary>
internal sealed class Reception(string machine, HandshakeLoop loop) : IDisposable
{
    private const int MostParked = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<GenerationKey, Membership> _known = [];
    private readonly Dictionary<string, int> _latest = new(StringComparer.Ordinal);
    private bool _closed;
    private long _rejected;

    public long Rejected => Interlocked.Read(ref _rejected);

    /// <exception cref="InvalidOperationException">This generation is being made already.</exception>
    public void Expect(Membership membership)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (!_known.TryAdd(membership.Key, membership))
                throw new InvalidOperationException($"Generation {membership.To.Generation} of {membership.To.Job} is being prepared on {machine} already.");
        }

        loop.Wake();
    }

    /// <summary>The generation is made or given up: nobody may connect to it any more.</summary>
    public void Forget(Membership membership, bool made)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(membership.Key, out var known) && ReferenceEquals(known, membership))
                _known.Remove(membership.Key);
            if (made && !membership.IsStanding)
                _latest[membership.To.Job] = membership.To.Generation;
        }

        membership.Dispose();
    }

    /// <summary>Whether a visitor may wait for its generation to become known here.</summary>
    public bool IsConcernedBy(Hello hello)
    {
        lock (_gate)
        {
            if (_closed || hello.ToMachine != machine)
                return false;
            if (_known.ContainsKey(hello.Key))
                return true;
            var isOld = _latest.TryGetValue(hello.Job, out var latest) && hello.Generation <= latest;
            return !isOld && loop.Parked < MostParked;
        }
    }

    public Membership? Find(GenerationKey generation)
    {
        lock (_gate)
            return _known.GetValueOrDefault(generation);
    }

    public void CountRejection() => Interlocked.Increment(ref _rejected);

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var membership in _known.Values)
                membership.Dispose();
            _known.Clear();
        }
    }
}
