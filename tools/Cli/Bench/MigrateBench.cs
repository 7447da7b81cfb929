using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Story;
using TrainMover.Contracts.Migrations;
using TrainMover.Embedded;

namespace TrainMover.Cli.Bench;

/// <summary>A migration of the matrix.</summary>
internal sealed record MigrateResult(
    string Layout, string Size, long Parameters, string Kind, double PauseMs, double GapMs, double DetectionMs, double MedianStepMs, string StateSource, long StateBytes, long FollowedBytes,
    long LostSteps, long StayerDeviceBytes, long SandboxBytesLeft, ConnectionDelta Connections, bool ConnectionsAsPlanned, bool BitIdentical, IReadOnlyList<ReportedPhase> Phases,
    IReadOnlyList<MachineBytes> Bytes, IReadOnlyList<string> Shortcomings);

/// <summary>The matrix.</summary>
/// <param name="Migrations">What was measured.</param>
/// <param name="NotMeasured">Cases that came to no end, and why; empty where all is well.</param>
internal sealed record MigrateReport(IReadOnlyList<MigrateResult> Migrations, IReadOnlyList<string> NotMeasured)
{
    public bool AllProven => NotMeasured.Count == 0 && Migrations.All(migration => migration.Shortcomings.Count == 0);
}

/// <summary>Every layout, in every size, with an expected and an unexpected migration each, on real processes, compared with an uninterrupted run.</summary>
internal static class MigrateBench
{
    public static async Task<MigrateReport> RunAsync(Output output, Access access, Func<string, bool> isWanted, CancellationToken ct)
    {
        var cases = (from size in MigrateSize.All from layout in MigrateLayout.All where isWanted($"{layout.Name}, {size.Name}") select (layout, size)).ToList();
        if (cases.Count == 0) throw new BadInputException($"--only matches none of the cases: {string.Join("; ", MigrateLayout.All.Select(layout => layout.Name))}, each in {string.Join(", ", MigrateSize.All.Select(size => size.Name))}.");
        var (results, failures) = (new List<MigrateResult>(), new List<string>());
        foreach (var (number, (layout, size)) in cases.Index())
        {
            output.Progress.Report($"case {number + 1} of {cases.Count}: {layout.Name}, {size.Name}");
            try
            {
                results.AddRange(await MeasureAsync(output, access, layout, size, ct));
            }
            catch (DeploymentException failure)
            {
                // What was measured before, for an hour perhaps, counts all the same.
                failures.Add($"{layout.Name}, {size.Name}: {failure.Message}");
                output.Progress.Report(failure.Message);
            }
        }

        return new MigrateReport(results, failures);
    }

    public static void Tell(Output output, MigrateReport report)
    {
        var table = Output.Table("layout", "size", "kind", "pause ms", "gap ms", "detection ms", "step ms", "state from", "in the pause", "before it", "steps lost", "connections", "proof");
        foreach (var result in report.Migrations)
        {
            table.Row(
                result.Layout, result.Size, result.Kind, $"{result.PauseMs:0}", $"{result.GapMs:0}", $"{result.DetectionMs:0}", $"{result.MedianStepMs:0}", result.StateSource,
                $"{result.StateBytes / 1e6:0.0} MB", $"{result.FollowedBytes / 1e6:0.0} MB", $"{result.LostSteps}",
                $"{result.Connections.Kept} kept, {result.Connections.Inherited} inherited, {result.Connections.Removed} removed, {result.Connections.Added} added",
                result.Shortcomings.Count == 0 ? "bit-identical" : string.Join("; ", result.Shortcomings));
        }

        output.Console.Write(table);
        foreach (var failure in report.NotMeasured)
            output.Line($"Not measured: {failure}");
    }

    private static async Task<IEnumerable<MigrateResult>> MeasureAsync(Output output, Access access, MigrateLayout layout, MigrateSize size, CancellationToken ct)
    {
        RunRecord record;
        Access deployed;
        await using (var run = await TrainingRun.StartAsync(access, "bench", layout.Job(size), null, output.Progress, ct, layout.Setup))
        {
            deployed = run.Access;
            record = await run.RunAsync(output.Progress, ct, layout.Interruptions);
        }

        output.Progress.Report("training the same job again without interruptions, for comparison");
        var reference = await ReferenceRun.RunAsync(deployed, record.Job, ct);
        var report = ReportBuilder.Build(record, reference);
        return report.Migrations.Zip(record.Stories, (migration, story) =>
        {
            var switched = story.State.Switched.Values.ToList();
            var result = new MigrateResult(
                layout.Name, size.Name, reference.Parameters, migration.Kind, migration.PauseMs, migration.GapMs, migration.DetectionMs, migration.MedianStepMs, migration.StateSource,
                migration.StateBytes, switched.Sum(machine => machine.FollowedBytes), migration.LostSteps, migration.StayerDeviceBytes,
                story.State.Ready.Values.Sum(ready => ready.Shadow?.BytesLeft ?? 0), migration.Connections,
                switched.TrueForAll(machine => machine.Connections == machine.PlannedConnections), report.Reference.BitIdentical, migration.Phases, MachineBytes.Of(story), []);
            return result with { Shortcomings = [.. Shortcomings(result, layout, migration.Outcome)] };
        });
    }

    private static IEnumerable<string> Shortcomings(MigrateResult result, MigrateLayout layout, string outcome)
    {
        if (outcome != "completed") yield return $"it was {outcome}";
        if (!result.BitIdentical) yield return "losses or digests differ from the uninterrupted run";
        if (result.LostSteps != 0 && (layout.HasCopies || result.Kind == "expected")) yield return $"{result.LostSteps} steps were lost";
        if (result.StayerDeviceBytes != 0) yield return $"stayers allocated {result.StayerDeviceBytes} bytes";
        if (result.SandboxBytesLeft != 0) yield return $"{result.SandboxBytesLeft} bytes left a sandbox";
        if (!result.ConnectionsAsPlanned) yield return "other connections changed than planned";
    }
}
