namespace TrainMover.Cli.Bench;

/// <summary>How long training stood still, in milliseconds.</summary>
/// <param name="PauseMs">From the stop until the last rank computes again.</param>
/// <param name="GapMs">Between two completed steps, less the median step.</param>
internal sealed record PausedTime(double PauseMs, double GapMs)
{
    public double LongerMs => Math.Max(PauseMs, GapMs);
}
