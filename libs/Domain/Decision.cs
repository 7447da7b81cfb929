using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;

namespace TrainMover.Domain;

/// <summary>
/// Collects what one fact leads to, over several streams, as one unit: it is appended in one transaction or not at all.
/// Later steps of a decision see the events of earlier ones.
/// </summary>
public sealed class Decision(World world)
{
    private readonly Dictionary<string, List<object>> _events = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    /// <summary>Nothing was decided.</summary>
    public bool IsEmpty => _order.Count == 0;

    /// <summary>The decided events by stream, in the order in which streams were first touched.</summary>
    public IReadOnlyList<StreamDecision> Streams => [.. _order.Select(stream => new StreamDecision(stream, world.VersionOf(stream), _events[stream]))];

    /// <summary>All machines as this decision leaves them, ordered by id.</summary>
    public IEnumerable<Machine> Machines => Ids("machine-", world.Machines.Select(machine => machine.MachineId)).Select(Machine);

    /// <summary>All jobs as this decision leaves them, ordered by id.</summary>
    public IEnumerable<Job> Jobs => Ids("job-", world.Jobs.Select(job => job.Spec!.JobId)).Select(Job);

    /// <summary>Decides on an interruption.</summary>
    public Decision OnInterruption(string id, Func<Interruption, IReadOnlyList<object>> decide) =>
        Add(Interruptions.Interruption.Stream(id), decide(Interruption(id)));

    /// <summary>
    /// What a detector found: raised, recorded as suppressed, or dropped, as its mode says; under its name and the version of its settings.
    /// </summary>
    public Decision Found(string detector, InterruptionRaised finding)
    {
        var tuning = world.Detector(detector);
        finding = finding with { Detector = DetectorTuning.Judge(detector, tuning.Version) };
        return tuning.Mode switch
        {
            DetectorMode.Enforce => OnInterruption(finding.InterruptionId, state => state.Raise(finding)),
            DetectorMode.LogOnly => OnInterruption(finding.InterruptionId, state => state.Suppress(finding, $"{detector} only logs since version {tuning.Version} of its settings.")),
            _ => this,
        };
    }

    /// <summary>Decides on mode and settings of a detector.</summary>
    public Decision OnDetector(string name, Func<DetectorTuning, IReadOnlyList<object>> decide) => Add(DetectorTuning.Stream(name), decide(world.Detector(name)));

    /// <summary>Decides on a machine.</summary>
    public Decision OnMachine(string id, Func<Machine, IReadOnlyList<object>> decide) => Add(Fleet.Machine.Stream(id), decide(Machine(id)));

    /// <summary>Decides on a job.</summary>
    public Decision OnJob(string id, Func<Job, IReadOnlyList<object>> decide) => Add(Domain.Jobs.Job.Stream(id), decide(Job(id)));

    /// <summary>Decides on a migration.</summary>
    public Decision OnMigration(string id, Func<Migration, IReadOnlyList<object>> decide) =>
        Add(Migrations.Migration.Stream(id), decide(Migration(id)));

    /// <summary>An interruption as this decision leaves it.</summary>
    public Interruption Interruption(string id) => Fold(Interruptions.Interruption.Stream(id), world.Interruption(id), (state, @event) => state.Evolve(@event));

    /// <summary>A machine as this decision leaves it.</summary>
    public Machine Machine(string id) => Fold(Fleet.Machine.Stream(id), world.Machine(id), (state, @event) => state.Evolve(@event));

    /// <summary>A job as this decision leaves it.</summary>
    public Job Job(string id) => Fold(Domain.Jobs.Job.Stream(id), world.Job(id), (state, @event) => state.Evolve(@event));

    /// <summary>A migration as this decision leaves it.</summary>
    public Migration Migration(string id) => Fold(Migrations.Migration.Stream(id), world.Migration(id), (state, @event) => state.Evolve(@event));

    private IReadOnlyList<string> Ids(string prefix, IEnumerable<string> known) =>
    [
        .. known.Union(_order.Where(stream => stream.StartsWith(prefix, StringComparison.Ordinal)).Select(stream => stream[prefix.Length..]), StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    private TState Fold<TState>(string stream, TState state, Func<TState, object, TState> evolve) =>
        _events.TryGetValue(stream, out var events) ? events.Aggregate(state, evolve) : state;

    private Decision Add(string stream, IReadOnlyList<object> events)
    {
        if (events.Count == 0) return this;
        if (!_events.TryGetValue(stream, out var known))
        {
            _events[stream] = known = [];
            _order.Add(stream);
        }

        known.AddRange(events);
        return this;
    }
}
