namespace TrainMover.Cli.Demo;

/// <summary>The pauses of a job as they look from outside: from the times at which steps were completed, and nothing else.</summary>
internal sealed class StepTimes
{
    // A switch at the end of a step touches that step, whose last rank may end after it, and the next.
    private const int StepsOfAPause = 2;
    private readonly List<(JobStep First, JobStep Second)> _pairs;

    public StepTimes(IReadOnlyList<JobStep> steps)
    {
        _pairs = [.. steps.Zip(steps.Skip(1))];
        MedianMs = Middle(_pairs.Select(Length));
    }

    /// <summary>Median time between two consecutive completed steps.</summary>
    public double MedianMs { get; }

    /// <summary>
    /// Longest time between two consecutive completed steps that a pause touches, less the median step; never negative. Steps before and after it are not looked at: they differ from each other without a pause too, and the more of them
    /// are looked at, the longer the longest.
    /// </summary>
    public double GapMs(long stoppedNs, long resumedNs) => Beyond(_pairs.Where(pair => Touches(pair, stoppedNs, resumedNs)));

    /// <summary>
    /// What <see cref="GapMs"/> comes to where nothing happens: the median over windows of as many steps as it looks at. Steps of a job differ from each other, so no gap can be seen that is shorter than that.
    /// </summary>
    /// <param name="pauses">Stops and resumptions; the steps that they touch are left out.</param>
    public double UndisturbedMs(IReadOnlyList<(long StoppedNs, long ResumedNs)> pauses)
    {
        var windows = Enumerable.Range(0, Math.Max(0, _pairs.Count - StepsOfAPause + 1)).Select(first => _pairs.GetRange(first, StepsOfAPause));
        return Middle(windows.Where(window => !window.Exists(pair => pauses.Any(pause => Touches(pair, pause.StoppedNs, pause.ResumedNs)))).Select(Beyond));
    }

    private double Beyond(IEnumerable<(JobStep First, JobStep Second)> pairs) => Math.Max(0, pairs.Select(Length).DefaultIfEmpty(0).Max() - MedianMs);

    private static bool Touches((JobStep First, JobStep Second) pair, long stoppedNs, long resumedNs) => pair.Second.CompletedNs >= stoppedNs && pair.First.CompletedNs <= resumedNs;

    private static double Length((JobStep First, JobStep Second) pair) => (pair.Second.CompletedNs - pair.First.CompletedNs) / 1e6;

    private static double Middle(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered.Count == 0 ? 0 : ordered[ordered.Count / 2];
    }
}
