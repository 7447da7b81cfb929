using TrainMover.Domain;
using TrainMover.EventLog;

namespace TrainMover.ServiceDefaults.Deciding;

/// <summary>
/// Keeps a <see cref="World"/> level with the event log. Sequence numbers are given out before a commit, so a missing number may still come: it is looked
/// for again until it cannot come any more. Not safe for use by several threads at once.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="clock">Clock.</param>
public sealed class WorldReader(IEventLog log, TimeProvider clock)
{
    // The log ends an append that stays open for 15 s; a number that is missing for longer belongs to one that was rolled back.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly SortedSet<long> _beyond = [];
    private (long At, long Since)? _gap;

    /// <summary>The log, folded as far as it was read.</summary>
    public World World { get; } = new();

    /// <summary>Sequence number up to which everything was read.</summary>
    public long Seen { get; private set; }

    /// <summary>Reads what came since the last call.</summary>
    public async Task CatchUpAsync(CancellationToken ct)
    {
        await foreach (var logged in log.ReadAllAsync(Seen, types: null, ct))
        {
            await ApplyAsync(logged, ct);
            _beyond.Add(logged.Sequence);
        }

        Advance();
    }

    /// <summary>Takes in one event; where events before it are missing, loads its whole stream. What lies between in other streams is left to <see cref="CatchUpAsync"/>.</summary>
    public async Task ApplyAsync(LoggedEvent logged, CancellationToken ct)
    {
        if (!World.Apply(logged.Stream, logged.Version, logged.Data)) await ReloadAsync(logged.Stream, ct);
    }

    /// <summary>Loads a stream from its first event.</summary>
    public async Task ReloadAsync(string stream, CancellationToken ct)
    {
        World.Forget(stream);
        foreach (var logged in await log.ReadStreamAsync(stream, ct: ct)) World.Apply(logged.Stream, logged.Version, logged.Data);
    }

    private void Advance()
    {
        while (_beyond.Count > 0)
        {
            if (_beyond.Remove(Seen + 1))
            {
                Seen++;
            }
            else if (_gap?.At != Seen)
            {
                _gap = (Seen, clock.GetTimestamp());
                return;
            }
            else if (clock.GetElapsedTime(_gap.Value.Since) < Settled)
            {
                return;
            }
            else
            {
                Seen = _beyond.Min - 1;
            }
        }
    }
}
