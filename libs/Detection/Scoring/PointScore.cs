namespace TrainMover.Detection.Scoring;

/// <summary>How well flagged samples agree with labelled ones, sample by sample: nothing is adjusted.</summary>
/// <param name="TruePositives">Samples that are labelled and flagged.</param>
/// <param name="FalsePositives">Samples that are flagged alone.</param>
/// <param name="FalseNegatives">Samples that are labelled alone.</param>
public sealed record PointScore(int TruePositives, int FalsePositives, int FalseNegatives)
{
    /// <summary>Part of the flagged samples that are labelled; 0 where none is flagged.</summary>
    public double Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>Part of the labelled samples that are flagged; 0 where none is labelled.</summary>
    public double Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>Harmonic mean of both.</summary>
    public double F1 => Ratio(2 * TruePositives, (2 * TruePositives) + FalsePositives + FalseNegatives);

    /// <summary>Compares flags with labels.</summary>
    /// <exception cref="ArgumentException">They differ in length.</exception>
    public static PointScore Of(IReadOnlyList<bool> flags, IReadOnlyList<bool> labels)
    {
        if (flags.Count != labels.Count) throw new ArgumentException($"{flags.Count} flags do not fit {labels.Count} labels.", nameof(flags));
        var pairs = flags.Zip(labels).ToList();
        return new PointScore(pairs.Count(pair => pair is (true, true)), pairs.Count(pair => pair is (true, false)), pairs.Count(pair => pair is (false, true)));
    }

    private static double Ratio(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
}

/// <summary>How well alarms agree with labelled events. An alarm is a run of flagged samples, an event a run of labelled ones.</summary>
/// <param name="Events">Labelled events.</param>
/// <param name="Detected">Events with a flagged sample.</param>
/// <param name="Alarms">Alarms.</param>
/// <param name="FalseAlarms">Alarms without a labelled sample.</param>
/// <param name="Delays">Samples from the begin of each detected event to its first flagged sample.</param>
public sealed record EventScore(int Events, int Detected, int Alarms, int FalseAlarms, IReadOnlyList<int> Delays)
{
    /// <summary>Compares flags with labels.</summary>
    /// <exception cref="ArgumentException">They differ in length.</exception>
    public static EventScore Of(IReadOnlyList<bool> flags, IReadOnlyList<bool> labels)
    {
        if (flags.Count != labels.Count) throw new ArgumentException($"{flags.Count} flags do not fit {labels.Count} labels.", nameof(flags));
        var events = Runs(labels);
        var alarms = Runs(flags);
        var hits = events.Select(one => (one.First, Hit: Enumerable.Range(one.First, one.Last - one.First + 1).Where(sample => flags[sample]).Cast<int?>().FirstOrDefault())).Where(one => one.Hit is not null).ToList();
        return new EventScore(
            events.Count, hits.Count, alarms.Count, alarms.Count(alarm => !Enumerable.Range(alarm.First, alarm.Last - alarm.First + 1).Any(sample => labels[sample])),
            [.. hits.Select(hit => hit.Hit!.Value - hit.First)]);
    }

    /// <summary>Runs of true, as first and last place.</summary>
    public static IReadOnlyList<(int First, int Last)> Runs(IReadOnlyList<bool> values)
    {
        var runs = new List<(int, int)>();
        for (var first = 0; first < values.Count; first++)
        {
            if (!values[first]) continue;
            var last = first;
            while (last + 1 < values.Count && values[last + 1]) last++;
            runs.Add((first, last));
            first = last;
        }

        return runs;
    }
}
