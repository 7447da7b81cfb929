using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Running;
using TrainMover.Domain;
using TrainMover.Domain.Jobs;

namespace TrainMover.Detection.Live.Jobs;

/// <summary>A watch for each running job, kept level with the log. Not safe for use by several threads at once.</summary>
public sealed class JobWindows
{
    private JobWatchSettings _settings = new();

    private readonly Dictionary<string, JobWatch> _watches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SeenIn> _stopped = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SeenIn> _latest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _unknown = new(StringComparer.Ordinal);

    /// <summary>Judges by other settings from now on. What was usual is learned anew, where they differ, once the log is followed.</summary>
    public void Use(JobWatchSettings settings)
    {
        if (settings == _settings) return;
        _settings = settings;
        foreach (var watched in _watches.Keys.ToList()) Forget(watched);
    }

    /// <summary>Takes over who trains what, and which jobs prepare a migration.</summary>
    public void Follow(World world)
    {
        var running = world.Jobs.Where(job => job.Status == JobStatus.Running).ToDictionary(job => job.Spec!.JobId, StringComparer.Ordinal);
        foreach (var ended in _watches.Keys.Where(id => !running.ContainsKey(id)).ToList()) Forget(ended);
        foreach (var (id, job) in running)
        {
            if (!_watches.TryGetValue(id, out var watch)) _watches[id] = watch = new JobWatch(_settings);
            if (job.OpenMigration is null || watch.Generation is null) watch.Follow(MembersOf(job));
            if (job.OpenMigration is not null) watch.Pause();
        }
    }

    /// <summary>Whether the log has to be looked at before a step can be judged. Asked once for a generation: what comes later is told by the log itself.</summary>
    public bool IsUnknown(StepCompleted step) =>
        !(_watches.TryGetValue(step.JobId, out var watch) && watch.Generation >= step.Generation) && !(_unknown.TryGetValue(step.JobId, out var asked) && asked >= step.Generation);

    /// <summary>The log was looked at for the sake of a step, and <see cref="Follow"/> was told.</summary>
    public void LookedUp(StepCompleted step)
    {
        if (IsUnknown(step)) _unknown[step.JobId] = step.Generation;
    }

    /// <summary>A rank completed a step.</summary>
    public IReadOnlyList<JobFinding> Take(SeenIn message, StepCompleted step, TimeSpan now)
    {
        if (!_watches.TryGetValue(step.JobId, out var watch)) return [];
        _latest[step.JobId] = message;
        return Told(step.JobId, watch.Observe(new RankStep(step.Generation, step.Rank, step.Step, step.Loss, step.Ms, step.ComputeMs, CoresOf(step)), now));
    }

    /// <summary>A rank has been waiting in a collective for long.</summary>
    public void Take(SeenIn message, RankWaiting waiting, TimeSpan now)
    {
        if (!_watches.TryGetValue(waiting.JobId, out var watch)) return;
        _latest[waiting.JobId] = message;
        watch.Observe(waiting.Generation, waiting.Rank, waiting.Step, now);
    }

    /// <summary>An agent says how its worker's process is.</summary>
    public IReadOnlyList<JobFinding> Take(SeenIn message, Heartbeat heartbeat, TimeSpan now)
    {
        var isStopped = heartbeat.WorkerStopped == true;
        if (isStopped) _stopped.TryAdd(heartbeat.MachineId, message);
        else _stopped.Remove(heartbeat.MachineId);
        var told = new List<JobFinding>();
        foreach (var (jobId, watch) in _watches)
        {
            if (watch.Observe(heartbeat.MachineId, isStopped, now) is { } over) told.AddRange(Told(jobId, [over]));
        }

        return told;
    }

    /// <summary>Looks at the clock: all that was said up to then has been taken.</summary>
    public IReadOnlyList<JobFinding> Look(TimeSpan listened) => [.. _watches.SelectMany(watch => Told(watch.Key, watch.Value.Look(listened)))];

    private List<JobFinding> Told(string jobId, IReadOnlyList<Finding> findings) =>
    [
        .. findings.Select(finding => new JobFinding(
            jobId, _watches[jobId].Generation!.Value, finding, _stopped.TryGetValue(finding.Subject, out var heartbeat) ? heartbeat : _latest.GetValueOrDefault(jobId, new SeenIn("/trainmover/detector/clock", jobId)))),
    ];

    private void Forget(string jobId)
    {
        _watches.Remove(jobId);
        _latest.Remove(jobId);
        _unknown.Remove(jobId);
    }

    private static Dictionary<string, double>? CoresOf(StepCompleted step) =>
        step.Cores?.Where(core => core.Ms > 0).GroupBy(core => core.Core, StringComparer.Ordinal).ToDictionary(core => core.Key, core => core.Sum(time => time.Ms), StringComparer.Ordinal);

    private static JobMembers MembersOf(Job job)
    {
        var layout = job.Spec!.Layout;
        return new JobMembers(
            job.Topology!.Generation, job.Spec.Steps, [.. job.Topology.Ranks.OrderBy(place => place.Rank).Select(place => new RankSeat(place.Rank, place.MachineId, place.Rank / (layout.Dp * layout.Tp)))]);
    }
}
