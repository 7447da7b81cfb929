using System.Diagnostics;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>
/// Puts recorded (wall clock) times on the monotonic clock of the host on which they were recorded. On that host, since its last start, the two clocks are
/// compared now; elsewhere the tightest pair of a stamp and the time at which it was recorded ties them, which tells times a little too early.
/// </summary>
internal sealed class HostClock
{
    private static readonly TimeSpan SameBoot = TimeSpan.FromSeconds(3);
    private readonly DateTimeOffset _monotonicZero;

    private HostClock(DateTimeOffset monotonicZero) => _monotonicZero = monotonicZero;

    public static HostClock Of(IReadOnlyList<LoggedEvent> events)
    {
        var here = TimeProvider.System.GetUtcNow() - Elapsed(Stopwatch.GetTimestamp());
        var tied = events.SelectMany(logged => Stamps(logged.Data).Select(stamp => logged.RecordedAt - Elapsed(stamp))).ToList();
        if (tied.Count == 0) return new HostClock(here);
        var tightest = tied.Min();
        return new HostClock((tightest - here).Duration() < SameBoot ? here : tightest);
    }

    public long At(DateTimeOffset time) => (long)(time - _monotonicZero).TotalMicroseconds * 1000;

    private static TimeSpan Elapsed(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

    private static IEnumerable<long> Stamps(object data) => data switch
    {
        ParticipantSwitched { Switch: { } report } => [report.ResumedMonotonicNs, .. report.Phases.Select(phase => phase.EndMonotonicNs)],
        InterruptionRaised { FaultMonotonicNs: { } fault } => [fault],
        _ => [],
    };
}
