using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Jobs;
using TrainMover.Domain.Jobs;
using TrainMover.EventLog;

namespace TrainMover.Cli.Jobs;

/// <summary>Writes a job's folder and appends its submission to the log, from which the Planner takes it up.</summary>
internal static class JobSubmission
{
    public static async Task<JobSpec> SubmitAsync(OpenLog log, Access access, JobFile job, string? data, CancellationToken ct)
    {
        var id = job.Id ?? $"gpt-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}";
        var directory = Path.Combine(access.Directory, "jobs", access.Schema, id);
        var spec = job.ToSpec(id, Path.Combine(directory, "corpus.txt"), directory);
        var (state, version) = await log.Events.LoadAsync(Job.Stream(id), Job.Initial, (current, @event) => current.Evolve(@event), ct: ct);
        var events = state.Submit(spec);
        await TrainingText.PrepareAsync(access.Root, data ?? job.Data, directory, ct);
        await log.Events.AppendAsync([new StreamAppend(Job.Stream(id), version, events)], new AppendContext("cli", CorrelationId: id), ct);
        return spec;
    }
}
