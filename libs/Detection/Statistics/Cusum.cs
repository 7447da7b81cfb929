namespace TrainMover.Detection.Statistics;

/// <summary>
/// One-sided cumulative sum (Page, 1954): adds up how far values exceed what is tolerated and crosses a limit when that lasts. What one value adds is capped, so a
/// single outlier never crosses it.
/// </summary>
/// <param name="limit">Sum at which the change counts as real; positive.</param>
/// <param name="cap">Most that one value adds; positive and below the limit.</param>
public sealed class Cusum(double limit, double cap)
{
    /// <summary>The sum so far; 0 while values are within what is tolerated.</summary>
    public double Sum { get; private set; }

    /// <summary>Values since the sum was last 0.</summary>
    public int Run { get; private set; }

    /// <summary>Takes in how far a value exceeds what is expected.</summary>
    /// <param name="excess">Value minus expectation.</param>
    /// <param name="tolerated">Excess that counts as none.</param>
    /// <returns>Whether the sum is at the limit or above it.</returns>
    public bool Add(double excess, double tolerated)
    {
        Sum = Math.Max(0, Sum + Math.Min(excess - tolerated, cap));
        Run = Sum > 0 ? Run + 1 : 0;
        return Sum >= limit;
    }

    /// <summary>Keeps the sum at the limit, where one that has crossed it is not acted on yet: what comes after has to hold it there.</summary>
    public void Hold() => Sum = Math.Min(Sum, limit);

    /// <summary>Forgets.</summary>
    public void Reset() => (Sum, Run) = (0, 0);
}
