namespace TrainMover.Cli.Demo;

/// <summary>The pauses of a job as they look from outside: from the times at which steps were completed, and nothing else.</summary>
internal sealed class StepTimes
{
    private const int StepsAround = 2;
    private readonly List<(JobStep First, JobStep Second)> _pairs;
    private readonly long _marginNs;

    public StepTimes(IReadOnlyList<JobStep> steps)
    {
        _pairs = [.. steps.Zip(steps.Skip(1))];
        MedianMs = Middle(_pairs.Select(Length));
        _marginNs = (long)(StepsAround * MedianMs * 1e6);
    }

    /// <summary>Median time between two consecutive completed steps.</summary>
    public double MedianMs { get; }

    /// <summary>Longest time between two consecutive completed steps around a pause, less the median step; never negative.</summary>
    public double GapMs(long stoppedNs, long resumedNs) => Beyond(_pairs.Where(pair => IsAround(pair, stoppedNs, resumedNs)));

    /// <summary>
    /// What <see cref="GapMs"/> comes to where nothing happens: the median over windows of as many steps as it looks at. Steps of a job differ from each other, so no gap can be seen that is shorter than that.
    /// </summary>
    /// <param name="pauses">Stops and resumptions; steps near them are left out.</param>
    public double UndisturbedMs(IReadOnlyList<(long StoppedNs, long ResumedNs)> pauses)
    {
        const int Window = (2 * StepsAround) + 1;
        var windows = Enumerable.Range(0, Math.Max(0, _pairs.Count - Window + 1)).Select(first => _pairs.GetRange(first, Window));
        return Middle(windows.Where(window => !window.Exists(pair => pauses.Any(pause => IsAround(pair, pause.StoppedNs, pause.ResumedNs)))).Select(Beyond));
    }

    private double Beyond(IEnumerable<(JobStep First, JobStep Second)> pairs) => Math.Max(0, pairs.Select(Length).DefaultIfEmpty(0).Max() - MedianMs);

    private bool IsAround((JobStep First, JobStep Second) pair, long stoppedNs, long resumedNs) =>
        pair.Second.CompletedNs >= stoppedNs - _marginNs && pair.First.CompletedNs <= resumedNs + _marginNs;

    private static double Length((JobStep First, JobStep Second) pair) => (pair.Second.CompletedNs - pair.First.CompletedNs) / 1e6;

    private static double Middle(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered.Count == 0 ? 0 : ordered[ordered.Count / 2];
    }
}
