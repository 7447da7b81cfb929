using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Jobs;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;

namespace TrainMover.Domain;

/// <summary>A stream's state and how many events made it.</summary>
/// <param name="State">The state.</param>
/// <param name="Version">Version of the last event; 0 before the first.</param>
public sealed record Versioned<TState>(TState State, long Version);

/// <summary>Events for one stream, decided on a known version of it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="ExpectedVersion">Version on which the decision stands.</param>
/// <param name="Events">The events, in order.</param>
public sealed record StreamDecision(string Stream, long ExpectedVersion, IReadOnlyList<object> Events);

/// <summary>
/// All that the event log says, folded: every interruption, detector, machine, job and migration by id. Not safe for use by several threads at once.
/// </summary>
public sealed class World
{
    private readonly Dictionary<string, Versioned<Interruption>> _interruptions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Versioned<DetectorTuning>> _detectors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Versioned<Machine>> _machines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Versioned<Job>> _jobs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Versioned<Migration>> _migrations = new(StringComparer.Ordinal);

    /// <summary>All interruptions, ordered by stream.</summary>
    public IEnumerable<Interruption> Interruptions => States(_interruptions);

    /// <summary>All machines, ordered by stream.</summary>
    public IEnumerable<Machine> Machines => States(_machines);

    /// <summary>All jobs, ordered by stream.</summary>
    public IEnumerable<Job> Jobs => States(_jobs);

    /// <summary>All migrations, ordered by stream.</summary>
    public IEnumerable<Migration> Migrations => States(_migrations);

    /// <summary>One interruption, or its initial state.</summary>
    public Interruption Interruption(string id) => _interruptions.GetValueOrDefault(Domain.Interruptions.Interruption.Stream(id))?.State ?? Domain.Interruptions.Interruption.Initial;

    /// <summary>Mode and settings of one detector, or their initial state.</summary>
    public DetectorTuning Detector(string name) => _detectors.GetValueOrDefault(DetectorTuning.Stream(name))?.State ?? DetectorTuning.Initial;

    /// <summary>One machine, or its initial state.</summary>
    public Machine Machine(string id) => _machines.GetValueOrDefault(Fleet.Machine.Stream(id))?.State ?? Fleet.Machine.Initial;

    /// <summary>Does nothing for a machine that was announced.</summary>
    /// <exception cref="DomainRuleException">Nobody announced it; the message names those that are known.</exception>
    public void RequireKnown(string machineId)
    {
        if (Machine(machineId).Status != MachineStatus.Unknown) return;
        var known = string.Join(", ", Machines.Select(machine => machine.MachineId));
        throw new DomainRuleException($"Machine {machineId} is unknown. Known: {(known.Length == 0 ? "none" : known)}.");
    }

    /// <summary>One job, or its initial state.</summary>
    public Job Job(string id) => _jobs.GetValueOrDefault(Domain.Jobs.Job.Stream(id))?.State ?? Domain.Jobs.Job.Initial;

    /// <summary>One migration, or its initial state.</summary>
    public Migration Migration(string id) => _migrations.GetValueOrDefault(Domain.Migrations.Migration.Stream(id))?.State ?? Domain.Migrations.Migration.Initial;

    /// <summary>Version of a stream; 0 when it is not known.</summary>
    public long VersionOf(string stream) => Kind(stream) switch
    {
        "interruption" => _interruptions.GetValueOrDefault(stream)?.Version ?? 0,
        "detector" => _detectors.GetValueOrDefault(stream)?.Version ?? 0,
        "machine" => _machines.GetValueOrDefault(stream)?.Version ?? 0,
        "job" => _jobs.GetValueOrDefault(stream)?.Version ?? 0,
        "migration" => _migrations.GetValueOrDefault(stream)?.Version ?? 0,
        _ => 0,
    };

    /// <summary>
    /// Takes in one event of the log. Returns false when events before it are missing: the caller then loads the stream
    /// (<see cref="Forget"/>, and apply it from its first event). An event seen before changes nothing.
    /// </summary>
    public bool Apply(string stream, long version, object @event)
    {
        var known = VersionOf(stream);
        if (version <= known) return true;
        if (version != known + 1) return false;
        switch (Kind(stream))
        {
            case "interruption": _interruptions[stream] = new(State(_interruptions, Domain.Interruptions.Interruption.Initial).Evolve(@event), version); break;
            case "detector": _detectors[stream] = new(State(_detectors, DetectorTuning.Initial).Evolve(@event), version); break;
            case "machine": _machines[stream] = new(State(_machines, Fleet.Machine.Initial).Evolve(@event), version); break;
            case "job": _jobs[stream] = new(State(_jobs, Domain.Jobs.Job.Initial).Evolve(@event), version); break;
            case "migration": _migrations[stream] = new(State(_migrations, Domain.Migrations.Migration.Initial).Evolve(@event), version); break;
        }

        return true;

        TState State<TState>(Dictionary<string, Versioned<TState>> states, TState initial) =>
            states.TryGetValue(stream, out var found) ? found.State : initial;
    }

    /// <summary>Drops what is known of a stream.</summary>
    public void Forget(string stream)
    {
        _interruptions.Remove(stream);
        _detectors.Remove(stream);
        _machines.Remove(stream);
        _jobs.Remove(stream);
        _migrations.Remove(stream);
    }

    private static IEnumerable<TState> States<TState>(Dictionary<string, Versioned<TState>> states) =>
        states.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.State);

    private static string Kind(string stream) => stream[..Math.Max(0, stream.IndexOf('-', StringComparison.Ordinal))];
}
