using TrainMover.Contracts.Telemetry;

namespace TrainMover.Cli.Demo;

/// <summary>A step of the job as telemetry told it, over all ranks.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Loss averaged over the ranks.</param>
/// <param name="LossBits">Its raw bits; null where ranks told different ones.</param>
/// <param name="Ms">Length on the slowest rank.</param>
/// <param name="CompletedNs">Monotonic time at which the last rank completed it.</param>
internal sealed record JobStep(long Step, float Loss, uint? LossBits, double Ms, long CompletedNs);

/// <summary>Collects the steps of one job. Safe for use by several threads at once.</summary>
internal sealed class StepLog(string jobId)
{
    private readonly SortedDictionary<long, JobStep> _steps = [];
    private readonly Lock _gate = new();

    public long Completed
    {
        get
        {
            lock (_gate) return _steps.Count == 0 ? 0 : _steps.Keys.Last() + 1;
        }
    }

    public void Add(StepCompleted step)
    {
        if (step.JobId != jobId) return;
        lock (_gate)
        {
            _steps[step.Step] = _steps.TryGetValue(step.Step, out var known)
                ? known with
                {
                    LossBits = known.LossBits == step.LossBits ? known.LossBits : null,
                    Ms = Math.Max(known.Ms, step.Ms),
                    CompletedNs = Math.Max(known.CompletedNs, step.MonotonicNs),
                }
                : new JobStep(step.Step, step.Loss, step.LossBits, step.Ms, step.MonotonicNs);
        }
    }

    public IReadOnlyList<JobStep> Steps()
    {
        lock (_gate) return [.. _steps.Values];
    }
}
