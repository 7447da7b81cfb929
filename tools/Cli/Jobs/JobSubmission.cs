using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Jobs;
using TrainMover.Domain.Jobs;
using TrainMover.EventLog;

namespace TrainMover.Cli.Jobs;

/// <summary>Writes a job's folder and appends its submission to the log, from which the Planner takes it up.</summary>
internal static class JobSubmission
{
    /// <summary>The specification of a job file; says what does not work before anything is touched.</summary>
    public static JobSpec Specify(Access access, JobFile job)
    {
        var id = job.Id ?? $"gpt-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}";
        var directory = Path.Combine(access.Directory, "jobs", access.Schema, id);
        return job.ToSpec(id, Path.Combine(directory, "corpus.txt"), directory);
    }

    public static async Task SubmitAsync(OpenLog log, Access access, JobSpec spec, string? data, CancellationToken ct)
    {
        var stream = Job.Stream(spec.JobId);
        var (state, version) = await log.Events.LoadAsync(stream, Job.Initial, (current, @event) => current.Evolve(@event), ct: ct);
        var events = state.Submit(spec);
        await TrainingText.PrepareAsync(access.Root, data, spec.Directory, ct);
        await log.Events.AppendAsync([new StreamAppend(stream, version, events)], new AppendContext("cli", CorrelationId: spec.JobId), ct);
    }
}
