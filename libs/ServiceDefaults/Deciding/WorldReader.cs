using TrainMover.Domain;
using TrainMover.EventLog;

namespace TrainMover.ServiceDefaults.Deciding;

/// <summary>Keeps a <see cref="World"/> level with the event log. Not safe for use by several threads at once.</summary>
/// <param name="log">The log.</param>
public sealed class WorldReader(IEventLog log)
{
    /// <summary>Highest sequence number that was read.</summary>
    public long Seen { get; private set; }

    /// <summary>The log, folded as far as it was read.</summary>
    public World World { get; private set; } = new();

    /// <summary>Reads what came since the last call.</summary>
    public async Task CatchUpAsync(CancellationToken ct)
    {
        await foreach (var logged in log.ReadAllAsync(Seen, types: null, ct)) await ApplyAsync(logged, ct);
    }

    /// <summary>Takes in one event; where events before it are missing (a transaction that committed late), loads its whole stream.</summary>
    public async Task ApplyAsync(LoggedEvent logged, CancellationToken ct)
    {
        if (!World.Apply(logged.Stream, logged.Version, logged.Data)) await ReloadAsync(logged.Stream, ct);
        Seen = Math.Max(Seen, logged.Sequence);
    }

    /// <summary>Loads a stream from its first event.</summary>
    public async Task ReloadAsync(string stream, CancellationToken ct)
    {
        World.Forget(stream);
        foreach (var logged in await log.ReadStreamAsync(stream, ct: ct)) World.Apply(logged.Stream, logged.Version, logged.Data);
    }
}
