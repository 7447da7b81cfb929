using System.Globalization;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;

namespace TrainMover.Domain.Detection;

/// <summary>A telemetry message as it came in.</summary>
/// <param name="Source">CloudEvents source.</param>
/// <param name="Id">CloudEvents id.</param>
/// <param name="Body">The message.</param>
public sealed record Observation(string Source, string Id, object Body);

/// <summary>What the detectors remember between messages: a window over telemetry. Not safe for use by several threads at once.</summary>
/// <param name="options">Settings.</param>
public sealed class Detectors(DetectionOptions options)
{
    private sealed record LostGroup(string Behind, IReadOnlyList<string> Machines, IReadOnlyList<string> Witnessed);

    private sealed record Unheard(PeerUnreachable Report, Observation Observation, DateTimeOffset Since);

    private readonly Dictionary<string, DateTimeOffset> _heartbeats = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Unheard> _unheard = new(StringComparer.Ordinal);
    private readonly HashSet<string> _suspected = new(StringComparer.Ordinal);
    private readonly HashSet<string> _silent = new(StringComparer.Ordinal);
    private DateTimeOffset _listened = DateTimeOffset.MinValue;
    private DetectionOptions _options = options;

    /// <summary>Judges by other settings from now on; whoever is silent already is looked at again.</summary>
    public void Use(DetectionOptions settings)
    {
        _options = settings;
        _silent.Clear();
    }

    /// <summary>
    /// Everything that was said up to this moment has been taken in. Silence counts only as far as somebody listened: whoever is behind, or reads
    /// from a broker that is away, is blind, and the machines are not silent.
    /// </summary>
    public void Listened(DateTimeOffset until) => _listened = until > _listened ? until : _listened;

    /// <summary>
    /// Notes a heartbeat that can change nothing but the window. Returns false where it has to be observed with the world: the first one of a machine,
    /// or the first one after silence.
    /// </summary>
    public bool Note(Heartbeat heartbeat, DateTimeOffset now)
    {
        if (!_heartbeats.ContainsKey(heartbeat.MachineId) || _suspected.Contains(heartbeat.MachineId) || _silent.Contains(heartbeat.MachineId)) return false;
        _heartbeats[heartbeat.MachineId] = now;
        return true;
    }

    /// <summary>Whether <see cref="Tick"/> has something to look at.</summary>
    public bool IsDue(DateTimeOffset now) =>
        _heartbeats.Keys.Any(IsSilent)
        || _unheard.Values.Any(unheard => now - unheard.Since >= _options.UnreachableGrace);

    /// <summary>A message came in.</summary>
    /// <exception cref="DomainRuleException">It names a machine that nobody announced.</exception>
    public Decision Observe(World world, Observation observation, DateTimeOffset now)
    {
        var decision = new Decision(world);
        switch (observation.Body)
        {
            case Heartbeat heartbeat:
                _heartbeats[heartbeat.MachineId] = now;
                _suspected.Remove(heartbeat.MachineId);
                _silent.Remove(heartbeat.MachineId);
                RecoverAgent(decision, world, heartbeat.MachineId);
                break;
            case WorkerExited { Ordered: false } exited:
                _unheard.Remove(exited.MachineId);
                if (MemberJob(world, exited.MachineId) is { } job && exited.JobId == job.Spec!.JobId)
                {
                    Raise(decision, world, observation, exited.MachineId, InterruptionKind.Unexpected, InterruptionCause.WorkerDeath,
                        $"{job.Spec.JobId}-{exited.MachineId}-pid{exited.Pid.ToString(CultureInfo.InvariantCulture)}",
                        $"The worker of {exited.MachineId} (process {exited.Pid}) ended without being told to: {exited.Detail.TrimEnd('.')}.", exited.MonotonicNs);
                }

                break;
            case PeerUnreachable report when MemberJob(world, report.SuspectMachine)?.Topology!.Generation == report.Generation:
                _unheard.TryAdd(report.SuspectMachine, new Unheard(report, observation, now));
                break;
            case MaintenanceScheduled notice:
                world.RequireKnown(notice.MachineId);
                Raise(decision, world, observation, notice.MachineId, InterruptionKind.Expected, InterruptionCause.Maintenance,
                    $"{notice.MachineId}-maintenance-{observation.Id}", $"Maintenance of {notice.MachineId} is announced: {notice.Reason}.", notice.MonotonicNs);
                break;
            case ReplacementRequested request:
                world.RequireKnown(request.MachineId);
                Raise(decision, world, observation, request.MachineId, InterruptionKind.Expected, InterruptionCause.Manual,
                    $"{request.MachineId}-manual-{observation.Id}", $"{request.RequestedBy} asked to replace {request.MachineId}: {request.Reason}.", request.MonotonicNs);
                break;
        }

        return decision;
    }

    /// <summary>
    /// Time passed: looks for silence. What it raises stays in the window until the world holds it, so that a decision that could not be committed is taken
    /// again.
    /// </summary>
    public Decision Tick(World world, DateTimeOffset now)
    {
        var decision = new Decision(world);
        var (together, waiting) = LostBehindOneSwitch(world);
        foreach (var group in together) RaiseTogether(decision, world, group);
        foreach (var (machineId, seen) in _heartbeats)
        {
            if (!IsSilent(machineId) || waiting.Contains(machineId) || together.Exists(group => group.Machines.Contains(machineId))) continue;
            // A heartbeat that comes before the next look must find what is raised here.
            _suspected.Add(machineId);
            var report = _unheard.GetValueOrDefault(machineId);
            if (report is not null && MemberJob(world, machineId) is { } job)
            {
                if (!Raise(decision, world, report.Observation, machineId, InterruptionKind.Unexpected, InterruptionCause.MachineLoss,
                    $"{job.Spec!.JobId}-g{report.Report.Generation}-{machineId}-lost",
                    $"{machineId} is lost: no heartbeat of its agent for {_options.HeartbeatTimeout.TotalSeconds:0.#} s, and {report.Report.MachineId} cannot reach its worker.", report.Report.MonotonicNs))
                {
                    _unheard.Remove(machineId);
                    _silent.Add(machineId);
                }
            }
            else if (!Raise(decision, world, new Observation("/detector", $"{machineId}-silent-{seen:O}", seen), machineId, InterruptionKind.Expected, InterruptionCause.AgentLoss,
                    $"{machineId}-agent-{seen.ToUnixTimeMilliseconds()}", $"The agent of {machineId} is silent; its worker is not reported unreachable. Restart the agent.", null, Severity.Restart))
            {
                _silent.Add(machineId);
            }
        }

        foreach (var (machineId, unheard) in _unheard.Where(entry => now - entry.Value.Since >= _options.UnreachableGrace && !IsOverdue(entry.Key)).ToList())
        {
            if (MemberJob(world, machineId) is not { } job || job.Topology!.Generation != unheard.Report.Generation
                || !Raise(decision, world, unheard.Observation, machineId, InterruptionKind.Unexpected, InterruptionCause.WorkerUnreachable,
                $"{job.Spec!.JobId}-g{unheard.Report.Generation}-{machineId}-unreachable",
                $"{unheard.Report.MachineId} cannot reach the worker of {machineId} ({unheard.Report.Detail}), whose process has not ended.", unheard.Report.MonotonicNs))
            {
                _unheard.Remove(machineId);
            }
        }

        return decision;
    }

    /// <summary>
    /// A migration completed: the interruptions that it answered are resolved, and what else was said of a worker that holds no rank any more is over: it must
    /// not be held against the machine when it comes back.
    /// </summary>
    public static Decision Resolve(World world)
    {
        var decision = new Decision(world);
        foreach (var migration in world.Migrations.Where(migration => migration.Phase is MigrationPhase.Completed).OrderByDescending(migration => migration.Plan!.To.Generation))
        {
            // Of an interruption of many machines some may still have to leave.
            foreach (var id in migration.Interruptions.Where(id => world.Interruption(id).Raised is { } raised && !Remaining.Of(world, raised).Any(machine => MemberJob(world, machine) is not null)))
                decision.OnInterruption(id, interruption => interruption.Resolve(migration.Plan!.MigrationId));
        }

        foreach (var raised in world.Interruptions.Where(interruption => interruption.Status is InterruptionStatus.Open or InterruptionStatus.Suppressed).Select(interruption => interruption.Raised!))
        {
            var ofWorker = raised.Cause is InterruptionCause.WorkerDeath or InterruptionCause.WorkerUnreachable or InterruptionCause.MachineLoss or InterruptionCause.Hang or InterruptionCause.SlowWorker;
            if (ofWorker && raised.Machines.All(machine => MemberJob(world, machine) is null))
                decision.OnInterruption(raised.InterruptionId, interruption => interruption.Recover($"{string.Join(" and ", raised.Machines)} left the job in another migration."));
        }

        return decision;
    }

    // One witness is enough for all of them: agents behind one switch that fall silent at once have the switch in common. A lone machine waits for nobody; one whose neighbour is late, but not overdue yet,
    // waits until the neighbour is either, at most a heartbeat longer.
    private (List<LostGroup> Together, HashSet<string> Waiting) LostBehindOneSwitch(World world)
    {
        var (together, waiting) = (new List<LostGroup>(), new HashSet<string>(StringComparer.Ordinal));
        var seen = _unheard.Keys.Where(machine => IsSilent(machine) && MemberJob(world, machine) is not null && world.Machine(machine).Behind is not null).ToLookup(machine => world.Machine(machine).Behind!, StringComparer.Ordinal);
        foreach (var lost in seen)
        {
            var neighbours = _heartbeats.Keys.Where(machine => world.Machine(machine).Behind == lost.Key && MemberJob(world, machine) is not null).ToList();
            var overdue = neighbours.Where(IsOverdue).Order(StringComparer.Ordinal).ToList();
            var late = neighbours.Exists(machine => !IsOverdue(machine) && IsSilentFor(machine, 2 * _options.HeartbeatInterval));
            if (late && !lost.Any(machine => IsSilentFor(machine, _options.HeartbeatTimeout + _options.HeartbeatInterval))) waiting.UnionWith(overdue);
            else if (overdue.Count > 1) together.Add(new LostGroup(lost.Key, overdue, [.. lost]));
        }

        return (together, waiting);
    }

    private void RaiseTogether(Decision decision, World world, LostGroup group)
    {
        var witnesses = group.Witnessed.Order(StringComparer.Ordinal).Select(machine => _unheard[machine]).ToList();
        var first = witnesses[0].Report;
        foreach (var machine in group.Machines) _suspected.Add(machine);
        var machines = string.Join(", ", group.Machines);
        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"{group.Machines.Count} machines behind {group.Behind} are lost at once ({machines}): no heartbeat of their agents for {_options.HeartbeatTimeout.TotalSeconds:0.#} s, and {first.MachineId} cannot reach the worker of {first.SuspectMachine}: what they share is the likely cause.");
        var raised = new InterruptionRaised(
            $"{first.JobId}-g{first.Generation}-{group.Behind}-{group.Machines[0]}-lost", InterruptionKind.Unexpected, InterruptionCause.MachineLoss, Severity.Replace, group.Machines, reason, DetectorNames.MachineLoss,
            [.. witnesses.Select(witness => new Evidence(witness.Observation.Source, witness.Observation.Id, $"{witness.Report.MachineId} cannot reach the worker of {witness.Report.SuspectMachine}: {witness.Report.Detail}."))],
            witnesses.Min(witness => witness.Report.MonotonicNs),
            [$"Losses of single machines: {group.Machines.Count} of them, all behind {group.Behind}, fell silent within a heartbeat."]);
        var isAsked = group.Machines.All(machine => world.Interruptions.Any(known => known is { Status: InterruptionStatus.Open, Raised: { Severity: Severity.Replace, Kind: InterruptionKind.Unexpected } } && known.Raised.Machines.Contains(machine)));
        if (!isAsked)
        {
            decision.Found(DetectorNames.MachineLoss, raised);
            if (world.Detector(DetectorNames.MachineLoss).Mode != DetectorMode.Off && world.Interruption(raised.InterruptionId).Status == InterruptionStatus.None) return;
        }

        // Nothing is left to raise.
        foreach (var machine in group.Machines)
        {
            _unheard.Remove(machine);
            _silent.Add(machine);
        }
    }

    private bool IsOverdue(string machineId) => IsSilentFor(machineId, _options.HeartbeatTimeout);

    // Two witnesses need less time: where peers miss the worker as well, nobody waits for an agent that is merely late.
    private bool IsSilent(string machineId) => IsSilentFor(machineId, _unheard.ContainsKey(machineId) ? _options.HeartbeatTimeout : _options.AgentTimeout);

    private bool IsSilentFor(string machineId, TimeSpan time) =>
        _heartbeats.TryGetValue(machineId, out var seen) && _listened - seen >= time && !_silent.Contains(machineId);

    private static void RecoverAgent(Decision decision, World world, string machineId)
    {
        foreach (var interruption in world.Interruptions.Where(interruption => interruption is { Status: InterruptionStatus.Open or InterruptionStatus.Suppressed, Raised.Cause: InterruptionCause.AgentLoss }
            && interruption.Raised.Machines.Contains(machineId)))
        {
            decision.OnInterruption(interruption.Raised!.InterruptionId, state => state.Recover($"The agent of {machineId} is heard again."));
        }
    }

    // One interruption per machine and kind is enough: a second detector that sees the same cause adds nothing to act on.
    // Returns false when nothing was left to raise.
    private static bool Raise(
        Decision decision, World world, Observation observation, string machineId, InterruptionKind kind, InterruptionCause cause, string id, string reason,
        long? faultMonotonicNs, Severity severity = Severity.Replace)
    {
        if (severity == Severity.Replace && world.Interruptions.Any(known => known is { Status: InterruptionStatus.Open, Raised.Severity: Severity.Replace }
            && known.Raised.Kind == kind && known.Raised.Machines.Contains(machineId)))
        {
            return false;
        }

        var evidence = new Evidence(observation.Source, observation.Id, reason);
        var detector = DetectorNames.Of(cause);
        decision.Found(detector, new InterruptionRaised(id, kind, cause, severity, [machineId], reason, detector, [evidence], faultMonotonicNs));
        return world.Detector(detector).Mode != DetectorMode.Off && world.Interruption(id).Status == InterruptionStatus.None;
    }

    private static Job? MemberJob(World world, string machineId) =>
        world.Jobs.FirstOrDefault(job => job.Status == JobStatus.Running
            && ((job.HasMember(machineId) && !HasLeft(world, job, machineId)) || IsOpenMember(world, job, machineId)));

    // Between the completion and the closing of the migration the leaver is no member any more.
    private static bool HasLeft(World world, Job job, string machineId) =>
        job.OpenMigration is { } id && world.Migration(id) is { Phase: MigrationPhase.Completed } migration && migration.Leavers.Contains(machineId);

    // Between the switch and the closing of the migration the joiner is a member already.
    private static bool IsOpenMember(World world, Job job, string machineId) =>
        job.OpenMigration is { } id && world.Migration(id) is { Phase: MigrationPhase.Agreed or MigrationPhase.Completed } migration && migration.Joiners.Contains(machineId);
}
