using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Fleet;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Jobs;
using TrainMover.Detection.Live.Learned;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Metrics;
using TrainMover.Detection.Running;
using TrainMover.Domain;
using TrainMover.Domain.Detection;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detection.Campaigns.Watching;

/// <summary>
/// The detectors of the running Detector, with the settings and modes that it has by default, over a log in memory: they see messages and the clock, and nothing of what was planned. Nobody answers
/// what is raised. Not safe for use by several threads at once.
/// </summary>
public sealed class WatchedFleet
{
    private readonly World _world = new();
    private readonly Detectors _detectors = new(new DetectionOptions());
    private readonly SourceWindow _sources = new(ErrorCodePolicy.Default, new DeviceDetectorOptions());
    private readonly JobWindows _jobs = new();
    private readonly LearnedWindow _learned;
    private readonly List<Alarm> _alarms = [];
    private readonly List<(TimeSpan At, string InterruptionId)> _recoveries = [];
    private readonly List<TimeSpan> _slowJobs = [];
    private TimeSpan _now;

    /// <summary>Watches the fleet of a run, of which it learns machines, job and switches.</summary>
    /// <param name="run">The run.</param>
    /// <param name="model">Model of what is normal for the class of its machines; null where metrics are not judged.</param>
    public WatchedFleet(PlannedRun run, VersionedModel? model)
    {
        ArgumentNullException.ThrowIfNull(run);
        Commit(DetectorCatalogue.ConfigureByDefault(_world));
        foreach (var (number, machine) in run.Machines.Index())
        {
            var isMember = number < run.Members.Count;
            Record($"machine-{machine}", new MachineRegistered(machine, isMember ? MachineRole.Training : MachineRole.Standby, "127.0.0.1", 1 + number, isMember ? PlannedRun.SwitchOf(number) : null));
        }

        var spec = new JobSpec(PlannedRun.Job, new JobLayout(run.Replicas, run.Stages), int.MaxValue, 1, 1, 1e-3f, new JobModel(), "text", "folder");
        var topology = new JobTopology(1, [.. run.Members.Select((machine, rank) => new RankPlace(rank, machine, "127.0.0.1", 1 + rank))], "");
        Record($"job-{PlannedRun.Job}", new JobSubmitted(spec), new JobStarted(PlannedRun.Job, topology));
        foreach (var (rank, machine) in run.Members.Index()) Record($"machine-{machine}", new MachineAssigned(machine, PlannedRun.Job, [rank], 1));
        _jobs.Use(new JobWatchSettings());
        _jobs.Follow(_world);
        _learned = new LearnedWindow(model is null ? [] : [model]);
        _learned.Use(new LearnedMetricSettings { Classes = $"*={model?.Model.MachineClass ?? "none"}", Scale = Campaign.LearnedScale }, DetectorCatalogue.LearnedMetrics.DefaultMode);
    }

    /// <summary>What was seen so far.</summary>
    public Seen Seen => new([.. _alarms], [.. _recoveries], [.. _slowJobs]);

    /// <summary>A message came in.</summary>
    public void Take(Message message)
    {
        ArgumentNullException.ThrowIfNull(message);
        _now = message.At;
        foreach (var outcome in _learned.Take(message.Source, message.Id, message.Body, Now))
        {
            if (outcome is LearnedOutcome.Found found) Commit(found.Finding.Raise(_world));
            if (outcome is LearnedOutcome.Over over) Commit(over.Recovery.Decide(_world));
        }

        switch (message.Body)
        {
            case StepCompleted step:
                if (_jobs.IsUnknown(step)) _jobs.Follow(_world);
                Record(_jobs.Take(new SeenIn(message.Source, message.Id), step, Monotonic));
                return;
            case RankWaiting waiting:
                _jobs.Take(new SeenIn(message.Source, message.Id), waiting, Monotonic);
                return;
            case Heartbeat heartbeat:
                Record(_jobs.Take(new SeenIn(message.Source, message.Id), heartbeat, Monotonic));
                if (_detectors.Note(heartbeat, Now)) return;
                break;
            case var body when SourceWindow.Takes(body):
                TakeSource(message);
                return;
        }

        Commit(_detectors.Observe(_world, new Observation(message.Source, message.Id, message.Body), Now));
    }

    /// <summary>Time passed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="hears">Everything that was said up to then was taken in.</param>
    public void Tick(TimeSpan now, bool hears)
    {
        _now = now;
        if (hears)
        {
            _detectors.Listened(Now);
            Record(_jobs.Look(Monotonic));
        }

        foreach (var recovery in _sources.Recovered(Now))
        {
            Commit(recovery.Decide(_world));
            _sources.Over(recovery);
        }

        if (_sources.Due(Now) is { Count: > 0 } held)
        {
            Commit(CommonCause.Raise(_world, held));
            _sources.Held.Done(held);
            foreach (var finding in held) _sources.Told(finding, Now);
        }

        if (_detectors.IsDue(Now)) Commit(_detectors.Tick(_world, Now));
    }

    private DateTimeOffset Now => FleetClock.At(_now);

    private TimeSpan Monotonic => Now - DateTimeOffset.UnixEpoch;

    private void TakeSource(Message message)
    {
        foreach (var finding in _sources.Take(message.Source, message.Id, message.Body, Now))
        {
            if (CommonCause.IsShared(_world, finding))
            {
                if (_sources.Held.Has(finding)) continue;
                Commit(CommonCause.Hold(_world, finding));
                _sources.Held.Hold(finding, Now);
                continue;
            }

            Commit(finding.Raise(_world));
            _sources.Told(finding, Now);
        }
    }

    private void Record(IReadOnlyList<JobFinding> findings)
    {
        foreach (var found in findings)
        {
            if (found.Finding.Kind == FindingKind.SlowJob) _slowJobs.Add(_now);
            if (found.IsRecorded) Commit(found.Decide(_world));
        }
    }

    private void Commit(Decision decision)
    {
        foreach (var stream in decision.Streams) Record(stream.Stream, [.. stream.Events]);
    }

    private void Record(string stream, params object[] events)
    {
        foreach (var @event in events)
        {
            _world.Apply(stream, _world.VersionOf(stream) + 1, @event);
            switch (@event)
            {
                case InterruptionRaised raised:
                    _alarms.Add(new Alarm(_now, raised, OnlyRecorded: false));
                    break;
                case InterruptionSuppressed suppressed when _world.Detector(DetectorTuning.Split(suppressed.Finding.Detector).Detector).Mode == DetectorMode.LogOnly:
                    _alarms.Add(new Alarm(_now, suppressed.Finding, OnlyRecorded: true));
                    break;
                case InterruptionRecovered recovered:
                    _recoveries.Add((_now, recovered.InterruptionId));
                    break;
            }
        }
    }
}
