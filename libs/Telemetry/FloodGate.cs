namespace TrainMover.Telemetry;

/// <summary>Lets through what a log tells, but no flood: so many at once, and so many per second. Not safe for use by several threads at once.</summary>
/// <param name="atOnce">How many may come at once; at least 1.</param>
/// <param name="perSecond">How many may come in each second in the long run; positive.</param>
/// <param name="clock">Measures time.</param>
public sealed class FloodGate(int atOnce, double perSecond, TimeProvider clock)
{
    private double _left = atOnce;
    private long _at = clock.GetTimestamp();

    /// <summary>What was held back so far.</summary>
    public long HeldBack { get; private set; }

    /// <summary>Whether the next one may pass.</summary>
    public bool Pass()
    {
        var now = clock.GetTimestamp();
        _left = Math.Min(atOnce, _left + (clock.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
        if (_left < 1)
        {
            HeldBack++;
            return false;
        }

        _left--;
        return true;
    }
}
