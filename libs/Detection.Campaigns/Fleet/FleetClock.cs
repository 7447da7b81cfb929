namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>The calendar of the virtual time.</summary>
internal static class FleetClock
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset At(TimeSpan sinceStart) => Start + sinceStart;
}
