using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>A leaver's side of following: all of its ranks, each on a stream of its own.</summary>
internal sealed class FollowedRanks : IDisposable
{
    private readonly IReadOnlyList<FollowedReplica> _ranks;
    private int _disposed;

    private FollowedRanks(IReadOnlyList<FollowedReplica> ranks) => _ranks = ranks;

    /// <summary>Completes when the joiner is a replica; faults when it cannot become one.</summary>
    public Task CaughtUp => Task.WhenAll(_ranks.Select(rank => rank.CaughtUp));

    /// <summary>First stream of following between two machines; those below carry copies.</summary>
    public static int StreamOf(int index) => FollowingRanks.FirstStream + index;

    /// <summary>Connects to the joiner and begins.</summary>
    /// <exception cref="GroupSetupException">The joiner was not reached.</exception>
    public static async Task<FollowedRanks> StartAsync(PreparedGroups prepared, string joiner, LocalRanks local, CancellationToken ct)
    {
        var followed = new List<FollowedReplica>();
        try
        {
            for (var index = 0; index < local.All.Count; index++)
                followed.Add(new FollowedReplica(local.All[index].Replica, await prepared.ConnectStateAsync(joiner, StreamOf(index), ct).ConfigureAwait(false)));
            return new FollowedRanks(followed);
        }
        catch
        {
            foreach (var rank in followed)
                rank.Dispose();
            throw;
        }
    }

    /// <summary>Ends following at a boundary, on all ranks or, where one cannot, on none that counts.</summary>
    /// <returns>Whether the joiner is a replica once it has applied what is under way to it.</returns>
    public bool Finish(long step) => _ranks.All(rank => rank.Finish(step));

    /// <summary>Waits until the joiner has applied everything.</summary>
    public Task FlushedAsync(CancellationToken ct) => Task.WhenAll(_ranks.Select(rank => rank.Flushed)).WaitAsync(ct);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        foreach (var rank in _ranks)
            rank.Dispose();
    }
}

/// <summary>A joiner's side of following.</summary>
internal sealed class FollowingRanks
{
    public const int FirstStream = 128;
    private readonly IReadOnlyList<FollowingReplica> _ranks;
    private int _stopped;

    private FollowingRanks(IReadOnlyList<FollowingReplica> ranks) => _ranks = ranks;

    /// <summary>Bytes received.</summary>
    public long Bytes { get; private set; }

    /// <summary>Completes when the replicas equal the leaver's; faults when they cannot.</summary>
    public Task CaughtUp => Task.WhenAll(_ranks.Select(rank => rank.CaughtUp));

    /// <summary>Takes the leaver's connections and begins.</summary>
    /// <exception cref="GroupSetupException">The leaver did not connect in time.</exception>
    public static async Task<FollowingRanks> StartAsync(PreparedGroups prepared, string leaver, LocalRanks local, CancellationToken ct)
    {
        var following = new List<FollowingReplica>();
        try
        {
            for (var index = 0; index < local.All.Count; index++)
                following.Add(new FollowingReplica(local.All[index].Replica, await prepared.AcceptStateAsync(leaver, FollowedRanks.StreamOf(index), ct).ConfigureAwait(false)));
            return new FollowingRanks(following);
        }
        catch
        {
            foreach (var rank in following)
                rank.Dispose();
            throw;
        }
    }

    /// <summary>Waits until the replicas are those of the boundary.</summary>
    /// <returns>Bytes that came meanwhile.</returns>
    /// <exception cref="GroupSetupException">Following broke off.</exception>
    public async Task<long> CompleteAsync(long boundary, CancellationToken ct)
    {
        var before = _ranks.Sum(rank => rank.Bytes);
        var steps = await Task.WhenAll(_ranks.Select(rank => rank.Ended)).WaitAsync(ct).ConfigureAwait(false);
        Bytes = before;
        return steps.All(step => step == boundary)
            ? _ranks.Sum(rank => rank.Bytes) - before
            : throw new GroupSetupException($"The leaver ended following at another boundary than {boundary}.", null);
    }

    /// <summary>Ends following; unless it was completed the replicas are of no worth then.</summary>
    public void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        foreach (var rank in _ranks)
            rank.Dispose();
    }
}
