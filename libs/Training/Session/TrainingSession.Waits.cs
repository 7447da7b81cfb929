using System.Diagnostics;

namespace TrainMover.Training.Session;

// Where one rank never arrives at a call, its peers wait in theirs: they say so, and the silence of the one that computes names it.
public sealed partial class TrainingSession
{
    private readonly Dictionary<int, long> _toldWaits = [];

    private void TellLongWaits()
    {
        lock (_gate)
        {
            if (_phase != SessionPhase.Training || _local is not { } local || _stopping.IsCancellationRequested)
                return;
            foreach (var rank in local.All)
            {
                if (rank.Groups?.InCallSince is not { } since || Stopwatch.GetElapsedTime(since) < _options.LongWait || _toldWaits.GetValueOrDefault(rank.Rank) == since)
                    continue;
                _toldWaits[rank.Rank] = since;
                Raise(new RankWaits(rank.Rank, rank.Replica.Step, since) { Job = _job!.Name, Generation = _generation });
            }
        }
    }
}
