using System.Runtime.CompilerServices;
using TrainMover.EventLog;

namespace TrainMover.Cli.CommandLine;

/// <summary>
/// Follows the log without leaving anything out. Sequence numbers are given out before the commit: one may appear after higher ones, so reading begins at the
/// first that is missing. (One that was rolled back stays missing, and costs reading again what came after it.)
/// </summary>
internal sealed class LogCursor(IEventLog log)
{
    private readonly HashSet<long> _ahead = [];
    private long _complete;

    /// <summary>What appeared since the last call.</summary>
    public async IAsyncEnumerable<LoggedEvent> NewAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var logged in log.ReadAllAsync(_complete, null, ct))
        {
            if (!_ahead.Add(logged.Sequence)) continue;
            yield return logged;
        }

        while (_ahead.Remove(_complete + 1)) _complete++;
    }
}
