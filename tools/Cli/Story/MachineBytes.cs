using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Story;

/// <summary>Bytes that one machine moved in one phase of a migration.</summary>
internal sealed record MachineBytes(string Phase, string Machine, long SentBytes, long ReceivedBytes)
{
    /// <summary>By phase, in order, then by machine; empty for migrations of versions that did not count. The participants' sum by phase is what the migration cost on the wire.</summary>
    public static IReadOnlyList<MachineBytes> Of(MigrationStory story) =>
    [
        .. story.State.Switched.Values.SelectMany(report => (report.Traffic ?? []).Select((phase, order) => (Order: order, Bytes: new MachineBytes(phase.Name, report.MachineId, phase.SentBytes, phase.ReceivedBytes))))
            .OrderBy(entry => entry.Order).ThenBy(entry => entry.Bytes.Machine, StringComparer.Ordinal).Select(entry => entry.Bytes),
    ];
}
