namespace TrainMover.Detection.Stragglers;

/// <summary>
/// What workers that share processor cores can be measured against. A core that something else uses too may take half as long again for the same work, and all who compute on it at that time fare alike:
/// that is no worker's slowness.
/// </summary>
/// <param name="times">Time that each worker took.</param>
/// <param name="cores">How much of its time each spent on which core, in any unit; workers may be missing.</param>
/// <param name="usual">What is usual for each worker, as a multiple of its peers' time.</param>
internal sealed class SharedCores(
    IReadOnlyDictionary<string, double> times, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> cores, IReadOnlyDictionary<string, double> usual)
{
    // What the median of all peers counts: as much as one with whom a tenth of the time was spent on the same core.
    private const double AllPeers = 0.1;
    private readonly Dictionary<string, Dictionary<string, double>> _parts = cores.ToDictionary(worker => worker.Key, worker => PartsOf(worker.Value), StringComparer.Ordinal);

    /// <summary>How long those take that computed on the same cores, each at its usual pace; the median of all peers where that is nobody.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="peers">Median of all its peers.</param>
    public double Reference(string worker, double peers)
    {
        var (sum, weight) = (AllPeers * Math.Log(peers), AllPeers);
        foreach (var (other, time) in times)
        {
            if (other == worker || Together(worker, other) is not (> 0 and var together)) continue;
            (sum, weight) = (sum + (together * Math.Log(time / usual[other])), weight + together);
        }

        return Math.Exp(sum / weight);
    }

    // The part of their time that two workers spent on the same cores.
    private double Together(string one, string other)
    {
        if (!_parts.TryGetValue(one, out var its) || !_parts.TryGetValue(other, out var others)) return 0;
        return its.Sum(core => Math.Min(core.Value, others.GetValueOrDefault(core.Key)));
    }

    private static Dictionary<string, double> PartsOf(IReadOnlyDictionary<string, double> spent)
    {
        var all = spent.Values.Sum();
        return spent.ToDictionary(core => core.Key, core => core.Value / all, StringComparer.Ordinal);
    }
}
