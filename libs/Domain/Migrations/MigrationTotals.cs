using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Migrations;

/// <summary>Sums the members' switch reports into the totals of a migration.</summary>
public static class MigrationTotals
{
    private const double NanosecondsPerMillisecond = 1e6;

    /// <summary>The completing event of a migration whose members have all switched.</summary>
    public static MigrationCompleted Complete(Migration state)
    {
        var reports = state.Switched.Values.ToList();
        var stayers = reports.Where(report => !state.Joiners.Contains(report.MachineId)).ToList();
        return new MigrationCompleted(
            state.Plan!.MigrationId,
            state.Plan.JobId,
            PauseMs(state, reports, stayers),
            reports.Max(report => report.LostSteps),
            Connections(reports),
            reports.Sum(report => report.StateBytes),
            stayers.Sum(report => report.DeviceBytes)
                + state.Ready.Values.Where(ready => stayers.Any(stayer => stayer.MachineId == ready.MachineId)).Sum(ready => ready.DeviceBytes));
    }

    private static double PauseMs(Migration state, List<SwitchReport> reports, List<SwitchReport> stayers)
    {
        var stopped = stayers.Count > 0 ? stayers.Min(report => report.StoppedMonotonicNs) : reports.Min(report => report.StoppedMonotonicNs);
        if (state.Kind == InterruptionKind.Unexpected && state.FaultMonotonicNs is { } fault) stopped = Math.Min(stopped, fault);
        return (reports.Max(report => report.ResumedMonotonicNs) - stopped) / NanosecondsPerMillisecond;
    }

    // A ring edge has two ends. Kept and added edges have both ends among the new members. A removed edge leads to a leaver,
    // whose end does not report, unless two neighbours leave together: then no end is left and nobody counts it.
    private static ConnectionDelta Connections(List<SwitchReport> reports) => new(
        reports.Sum(report => report.Connections.Kept) / 2,
        reports.Sum(report => report.Connections.Inherited),
        reports.Sum(report => report.Connections.Removed),
        reports.Sum(report => report.Connections.Added) / 2);
}
