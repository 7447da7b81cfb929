using MathNet.Numerics.Statistics;

namespace TrainMover.Detection.Statistics;

/// <summary>Location and spread that a few outliers do not move.</summary>
public static class Robust
{
    private const double MadOfNormal = 1.4826;

    /// <summary>Median.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Median(IReadOnlyCollection<double> values) =>
        values.Count == 0 ? throw new ArgumentException("The median of nothing is not defined.", nameof(values)) : ArrayStatistics.MedianInplace([.. values]);

    /// <summary>Median absolute deviation from the median, scaled so that it estimates the standard deviation of normal values.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Spread(IReadOnlyCollection<double> values)
    {
        var median = Median(values);
        return MadOfNormal * ArrayStatistics.MedianInplace([.. values.Select(value => Math.Abs(value - median))]);
    }
}
