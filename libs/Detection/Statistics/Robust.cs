using MathNet.Numerics.Statistics;

namespace TrainMover.Detection.Statistics;

/// <summary>Location and spread that a few outliers do not move.</summary>
public static class Robust
{
    /// <summary>Standard deviation of normal values, in units of the median distance from their middle.</summary>
    internal const double OfNormal = 1.4826;

    /// <summary>Median.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Median(IReadOnlyCollection<double> values) => ArrayStatistics.MedianInplace(Copy(values));

    /// <summary>The smallest of the values that is not below a part of them; for a half of an even number, the mean of the two in the middle.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="part">From 0 to 1.</param>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Quantile(IReadOnlyCollection<double> values, double part) => ArrayStatistics.QuantileCustomInplace(Copy(values), part, QuantileDefinition.R2);

    /// <summary>Median absolute deviation from the median, scaled so that it estimates the standard deviation of normal values.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Spread(IReadOnlyCollection<double> values) => MedianAndSpread(values).Spread;

    /// <summary>Both, for hot paths.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static (double Median, double Spread) MedianAndSpread(IReadOnlyCollection<double> values)
    {
        var copy = Copy(values);
        var median = ArrayStatistics.MedianInplace(copy);
        foreach (ref var value in copy.AsSpan()) value = Math.Abs(value - median);
        return (median, OfNormal * ArrayStatistics.MedianInplace(copy));
    }

    private static double[] Copy(IReadOnlyCollection<double> values) => values switch
    {
        { Count: 0 } => throw new ArgumentException("The median of nothing is not defined.", nameof(values)),
        Queue<double> queue => queue.ToArray(),
        _ => [.. values],
    };
}
