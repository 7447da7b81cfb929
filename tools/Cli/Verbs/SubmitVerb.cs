using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Verbs;

internal static class SubmitVerb
{
    public static Command Create()
    {
        var file = new Argument<string>("JOB.yaml") { Description = "The job; docs/job.yaml is an example." };
        var data = new Option<string?>("--data") { Description = "Text to train on; the project's own source and docs unless given here or in the job." };
        var command = new Command("submit", "Hands in a training job; it starts when enough machines are free.");
        command.Arguments.Add(file);
        command.Options.Add(data);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            var job = JobFile.Read(parsed.GetRequiredValue(file));
            var spec = JobSubmission.Specify(access, job);
            await using var log = await OpenLog.OpenAsync(access, ct);
            await JobSubmission.SubmitAsync(log, access, spec, parsed.GetValue(data) ?? job.Data, ct);
            if (output.IsJson) output.Json(spec);
            else output.Line($"Job {spec.JobId} is submitted ({spec.Layout.Ranks} ranks, {spec.Steps} steps): ./trainmover status shows it.");
            return 0;
        });
        return command;
    }
}
