namespace TrainMover.Cli.Demo;

/// <summary>The pauses of a job as they look from outside: from the times at which steps were completed, and nothing else.</summary>
internal sealed class StepTimes
{
    private const int StepsAround = 2;
    private readonly IReadOnlyList<JobStep> _steps;

    public StepTimes(IReadOnlyList<JobStep> steps)
    {
        _steps = steps;
        var lengths = steps.Zip(steps.Skip(1), Length).Order().ToList();
        MedianMs = lengths.Count == 0 ? 0 : lengths[lengths.Count / 2];
    }

    /// <summary>Median time between two consecutive completed steps.</summary>
    public double MedianMs { get; }

    /// <summary>Longest time between two consecutive completed steps around a pause, less the median step; never negative.</summary>
    public double GapMs(long stoppedNs, long resumedNs)
    {
        var margin = (long)(StepsAround * MedianMs * 1e6);
        var around = _steps.Zip(_steps.Skip(1))
            .Where(pair => pair.Second.CompletedNs >= stoppedNs - margin && pair.First.CompletedNs <= resumedNs + margin)
            .Select(pair => Length(pair.First, pair.Second)).DefaultIfEmpty(0).Max();
        return Math.Max(0, around - MedianMs);
    }

    /// <summary>
    /// What <see cref="GapMs"/> comes to where nothing happens: the median over windows of as many steps as it looks at. Steps of a job differ from each other, so no gap can be seen that is shorter than that.
    /// </summary>
    /// <param name="pauses">Stops and resumptions; steps near them are left out.</param>
    public double UndisturbedMs(IReadOnlyList<(long StoppedNs, long ResumedNs)> pauses)
    {
        var margin = (long)(StepsAround * MedianMs * 1e6);
        var quiet = _steps.Zip(_steps.Skip(1)).Select(pair => pauses.Any(pause => pair.Second.CompletedNs >= pause.StoppedNs - margin && pair.First.CompletedNs <= pause.ResumedNs + margin)
            ? double.NaN
            : Length(pair.First, pair.Second)).ToList();
        const int Window = (2 * StepsAround) + 1;
        var longest = Enumerable.Range(0, Math.Max(0, quiet.Count - Window + 1)).Select(first => quiet.GetRange(first, Window)).Where(window => !window.Exists(double.IsNaN))
            .Select(window => Math.Max(0, window.Max() - MedianMs)).Order().ToList();
        return longest.Count == 0 ? 0 : longest[longest.Count / 2];
    }

    private static double Length(JobStep first, JobStep second) => (second.CompletedNs - first.CompletedNs) / 1e6;
}
