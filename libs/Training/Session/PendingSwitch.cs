using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>A switch whose first step is not completed yet on every rank of this machine.</summary>
internal sealed class PendingSwitch(MigrationAttempt attempt, SwitchDone done)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _computing = [];
    private readonly HashSet<int> _stepped = [];

    public MigrationAttempt Attempt { get; } = attempt;

    /// <summary>A rank computes again; only the first time counts.</summary>
    public void Computes(int rank, long now)
    {
        lock (_gate)
            _computing.TryAdd(rank, now);
    }

    /// <summary>A rank completed a step. The finished report with the last one, else null.</summary>
    public SwitchDone? Step(int rank, long now)
    {
        lock (_gate)
        {
            _stepped.Add(rank);
            if (_stepped.Count < done.Ranks.Count)
                return null;
            var resumed = _computing.Values.Max();
            return done with { ResumedMonotonicNs = resumed, Phases = [.. done.Phases, new SwitchPhase("first-compute", resumed, now)] };
        }
    }
}
