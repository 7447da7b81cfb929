using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>The tables in which a migration is told.</summary>
internal static class StoryTables
{
    private const int BarWidth = 30;

    public static string Phase(MigrationStory story) => story.State.Phase is { } phase ? EventText.Wire(phase) : "unknown";

    public static string Moves(MigrationPlan plan) => string.Join(", ", plan.Moves.Select(move => $"{move.Leaver} -> {move.Joiner}"));

    public static string Pause(double? ms) => ms is { } pause ? $"{pause:0.0} ms" : "-";

    public static void WriteHead(Output output, MigrationStory story)
    {
        var plan = story.Plan;
        output.Console.MarkupLineInterpolated($"[bold]{plan.MigrationId}[/]  {(story.IsUnexpected ? "unexpected" : "expected")}, {Moves(plan)}, job {plan.JobId}, generation {plan.From.Generation} -> {plan.To.Generation}: [bold]{Phase(story)}[/]");
        output.Line($"  why         {plan.Reason}");
        output.Line($"  state from  {EventText.Named(story.StateSource)}");
        output.Line($"  policy      {plan.PolicyVersion}, preparation given up at {plan.Deadline:HH:mm:ss}");
        if (story.AheadMs is { } ahead) output.Line($"  carried out by survivors and standby, who held this plan, {ahead:0} ms before it was in the log");
        foreach (var interruption in story.Interruptions.Select(logged => (InterruptionRaised)logged.Data))
        {
            output.Line($"  detected    {interruption.Reason} (by {interruption.Detector})");
            foreach (var evidence in interruption.Evidence) output.Line($"    evidence  {evidence.Observation} ({evidence.Source})");
        }

        foreach (var candidate in plan.Candidates)
            output.Line($"  candidate   {(candidate.Chosen ? "*" : " ")} {candidate.MachineId,-6} {candidate.Score,7:0.##}  {candidate.Why}");
        if (story.State.AbortReason is { } reason) output.Line($"  given up    {reason}");
        if (story.Completed is { } completed)
        {
            var connections = completed.Connections;
            output.Line($"  result      pause {Pause(story.PauseMs)}, {completed.LostSteps} steps lost, {EventText.Bytes(completed.StateBytes)} of state moved, {completed.StayerDeviceBytes} B of device memory on stayers");
            output.Line($"  connections {connections.Kept} kept, {connections.Inherited} inherited, {connections.Removed} removed, {connections.Added} added");
        }
    }

    public static void WritePhases(Output output, MigrationStory story)
    {
        var phases = story.Phases();
        if (phases.Count == 0) return;
        var total = Math.Max(1, phases.Max(phase => phase.StartMs + phase.Ms));
        var table = Output.Table("phase", "from (ms)", "length (ms)", "training", "");
        foreach (var phase in phases)
        {
            var start = Math.Clamp((int)(phase.StartMs / total * BarWidth), 0, BarWidth - 1);
            var length = Math.Clamp((int)Math.Round(phase.Ms / total * BarWidth), 1, BarWidth - start);
            var paused = phase.Paused || (story.IsUnexpected && phase.StartMs * 1e6 + story.Origin < story.ResumedNs);
            table.AddRow(
                new Text(phase.Name), new Text($"{phase.StartMs:0.0}").RightJustified(), new Text($"{phase.Ms:0.0}").RightJustified(),
                new Markup(paused ? "[red]stopped[/]" : "[green]goes on[/]"), new Markup($"{new string(' ', start)}[{(paused ? "red" : "green")}]{new string('█', length)}[/]"));
        }

        output.Console.Write(table);
    }

    public static void WriteBytes(Output output, MigrationStory story)
    {
        var moved = MachineBytes.Of(story).Where(entry => entry is not { SentBytes: 0, ReceivedBytes: 0 }).ToList();
        if (moved.Count == 0) return;
        var table = Output.Table("bytes in", "machine", "sent", "received");
        foreach (var entry in moved) table.Row(entry.Phase, entry.Machine, EventText.Bytes(entry.SentBytes), EventText.Bytes(entry.ReceivedBytes));
        output.Console.Write(table);
    }

    public static void WriteEvents(Output output, IEnumerable<LoggedEvent> events, IReadOnlyList<LoggedEvent> all)
    {
        var causes = new CauseText(all);
        var table = Output.Table("version", "time", "event", "decided by", "because of", "what");
        foreach (var logged in events)
            table.Row($"{logged.Version}", $"{logged.RecordedAt:HH:mm:ss.fff}", EventText.ShortType(logged.Type), logged.Actor, causes.Of(logged), EventText.Of(logged.Data));
        output.Console.Write(table);
    }
}
