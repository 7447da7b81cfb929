using System.CommandLine;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

internal static class VerifyVerb
{
    public static Command Create()
    {
        var command = new Command("verify", "Checks that nobody altered the event log; names the first event that was.");
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            var report = await log.Verifier.VerifyAsync(ct);
            if (output.IsJson)
            {
                output.Json(report);
            }
            else if (report.First is { } finding)
            {
                output.Line($"ALTERED ({finding.Kind}): {finding.Explanation}");
                output.Line($"  stream {finding.Stream ?? "-"}, version {finding.Version?.ToString() ?? "-"}, sequence {finding.Sequence?.ToString() ?? "-"}, event {finding.EventId?.ToString() ?? "-"}");
            }
            else
            {
                output.Line($"The log is as it was written: {report.EventsChecked} events, {report.Anchored} anchored{(report.OutsideFileChecked ? ", also outside the database" : "")}.");
                if (report.UnanchoredTail.Count > 0) output.Line($"The last {report.UnanchoredTail.Count} events are not anchored yet (oldest: {report.UnanchoredTail.Age.TotalSeconds:0.0} s).");
            }

            return report.Intact ? 0 : 1;
        });
        return command;
    }
}
