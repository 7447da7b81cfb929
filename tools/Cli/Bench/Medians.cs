using TrainMover.Detection.Statistics;

namespace TrainMover.Cli.Bench;

internal static class Medians
{
    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    public static double Median(this IEnumerable<double> values) => Robust.Median([.. values]);
}
