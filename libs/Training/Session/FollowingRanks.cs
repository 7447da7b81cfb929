using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>The followed side: all ranks of a leaver, or of a member that a standby follows, each on a stream of its own.</summary>
internal sealed class FollowedRanks : IDisposable
{
    private readonly IReadOnlyList<FollowedReplica> _ranks;
    private readonly LocalRanks _local;
    private int _disposed;

    /// <summary>Begins over connections that are there, one per rank in order; they are this one's.</summary>
    public FollowedRanks(IReadOnlyList<StateConnection> streams, LocalRanks local) =>
        (_local, _ranks) = (local, [.. local.All.Zip(streams, (rank, stream) => new FollowedReplica(rank.Replica, stream))]);

    /// <summary>Completes when the joiner is a replica; faults when it cannot become one.</summary>
    public Task CaughtUp => Task.WhenAll(_ranks.Select(rank => rank.CaughtUp));

    /// <summary>Whether the joiner is a replica and still follows.</summary>
    public bool IsCaughtUp => _ranks.All(rank => rank.IsCaughtUp);

    /// <summary>Connects to the joiner and begins.</summary>
    /// <exception cref="GroupSetupException">The joiner was not reached.</exception>
    public static async Task<FollowedRanks> StartAsync(PreparedGroups prepared, string joiner, LocalRanks local, CancellationToken ct)
    {
        var streams = await FollowingStreams.OpenAsync(local.All.Count, stream => prepared.ConnectStateAsync(joiner, stream, ct)).ConfigureAwait(false);
        return new FollowedRanks(streams, local);
    }

    /// <summary>Ends following at a boundary, on all ranks or, where one cannot, on none that counts.</summary>
    /// <returns>Whether the joiner is a replica once it has applied what is under way to it, up to an update that this machine holds.</returns>
    public bool Finish() => _ranks.Zip(_local.All).All(pair => pair.First.Finish(pair.Second.CompletedSteps, pair.Second.Held));

    /// <summary>Completes when the joiner has applied everything, or holds it like this machine.</summary>
    public Task Flushed => Task.WhenAll(_ranks.Select(rank => rank.Flushed));

    /// <summary>From here on these ranks are followed by nobody; <see cref="Dispose"/> waits for what is under way.</summary>
    public void Detach()
    {
        foreach (var rank in _ranks)
            rank.Detach();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        foreach (var rank in _ranks)
            rank.Dispose();
    }
}

/// <summary>The side of a joiner, or of a standby, that follows.</summary>
internal sealed class FollowingRanks
{
    private readonly IReadOnlyList<FollowingReplica> _ranks;
    private int _stopped;

    /// <summary>Begins over connections that are there, one per rank in order; they are this one's.</summary>
    public FollowingRanks(IReadOnlyList<StateConnection> streams, LocalRanks local, MigrationTechniques techniques) =>
        _ranks = [.. local.All.Zip(streams, (rank, stream) => new FollowingReplica(rank.Replica, stream, techniques.GradientBuffer))];

    /// <summary>Bytes received.</summary>
    public long Bytes { get; private set; }

    /// <summary>Updates that the leaver held and the joiner holds too, in the order of the ranks; null where there is none. Known when following is complete.</summary>
    public IEnumerable<HeldUpdate?> Held => _ranks.Select(rank => rank.Held);

    /// <summary>Completes when the replicas equal the leaver's; faults when they cannot.</summary>
    public Task CaughtUp => Task.WhenAll(_ranks.Select(rank => rank.CaughtUp));

    /// <summary>Waits until the replicas are those of the boundary.</summary>
    /// <returns>Bytes that came meanwhile.</returns>
    /// <exception cref="GroupSetupException">Following broke off.</exception>
    public long Complete(long boundary, CancellationToken ct)
    {
        foreach (var rank in _ranks)
            rank.Hurry();
        var before = _ranks.Sum(rank => rank.Bytes);
        foreach (var rank in _ranks)
            rank.Ended.Await(ct);
        Bytes = before;
        return _ranks.All(rank => rank.Ended.Result == boundary)
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

/// <summary>The connections of following between two machines, one per rank.</summary>
internal static class FollowingStreams
{
    // Streams with lower numbers carry copies.
    private const int First = 128;

    /// <summary>Opens all, or none.</summary>
    public static async Task<IReadOnlyList<StateConnection>> OpenAsync(int ranks, Func<int, Task<StateConnection>> open)
    {
        var streams = new List<StateConnection>();
        try
        {
            for (var index = 0; index < ranks; index++)
                streams.Add(await open(First + index).ConfigureAwait(false));
            return streams;
        }
        catch
        {
            foreach (var stream in streams)
                stream.Dispose();
            throw;
        }
    }
}
