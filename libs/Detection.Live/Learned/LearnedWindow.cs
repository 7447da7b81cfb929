using System.Globalization;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Metrics;
using TrainMover.Domain.Detection;
using Anomaly = TrainMover.Detection.Findings.Finding;

namespace TrainMover.Detection.Live.Learned;

/// <summary>
/// Metrics of a fleet against learned models of what is normal, in one pass: of each machine a few samples are kept. A machine without a class, or without enough of its metrics, is not judged, and so is
/// neither well nor ill. Not safe for use by several threads at once.
/// </summary>
/// <param name="models">The models in force.</param>
public sealed class LearnedWindow(IEnumerable<VersionedModel> models)
{
    private const int MostMachines = 100_000;

    // A clock that runs ahead of the others by more than this says nothing about time.
    private static readonly TimeSpan MostAhead = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, ClassModel> _models = models.ToDictionary(model => model.Model.MachineClass, model => new ClassModel(model), StringComparer.Ordinal);
    private readonly Dictionary<string, Watched> _machines = new(StringComparer.Ordinal);
    private LearnedMetricSettings _settings = new();
    private MachineClasses _classes = new("");
    private bool _isOff;

    /// <summary>Whether nothing is looked at: there is no model, or the detector is off.</summary>
    public bool IsOff => _isOff || _models.Count == 0;

    /// <summary>Judges by other settings from now on; what lasts is told anew.</summary>
    public void Use(LearnedMetricSettings settings, DetectorMode mode)
    {
        var isOff = mode == DetectorMode.Off;
        var isOther = settings.Classes != _settings.Classes || isOff != _isOff;
        (_settings, _classes, _isOff) = (settings, new MachineClasses(settings.Classes), isOff);
        foreach (var watched in _machines.Values) watched.IsTold = false;
        if (!isOther) return;
        var open = _machines.Where(machine => machine.Value.IsOpen).Select(machine => machine.Key).ToList();
        _machines.Clear();
        foreach (var machine in open) Of(machine).IsOpen = true;
    }

    /// <summary>Interruptions that a former process raised or recorded: they are watched until they are over.</summary>
    public void Remember(IEnumerable<InterruptionRaised> open)
    {
        foreach (var machine in open.Where(raised => DetectorTuning.Split(raised.Detector).Detector == MetricModel.Name).SelectMany(raised => raised.Machines)) Of(machine).IsOpen = true;
    }

    /// <summary>Takes a message in; what follows from it, nearly always nothing.</summary>
    /// <param name="source">CloudEvents source.</param>
    /// <param name="id">CloudEvents id.</param>
    /// <param name="body">The message.</param>
    /// <param name="now">When it was read.</param>
    public IReadOnlyList<LearnedOutcome> Take(string source, string id, object body, DateTimeOffset now)
    {
        if (IsOff) return [];
        switch (body)
        {
            case SourceSight { IsBlind: true } sight when _machines.TryGetValue(sight.MachineId, out var watched):
                watched.Samples?.Restart();
                watched.Normal = 0;
                return [];
            case DeviceMetricsTaken taken:
                return Take(source, id, taken, now);
            default:
                return [];
        }
    }

    private IReadOnlyList<LearnedOutcome> Take(string source, string id, DeviceMetricsTaken taken, DateTimeOffset now)
    {
        var machine = Of(taken.MachineId);
        if (machine.Samples is not { } samples)
            return IsNew(machine, Blindness.NoClass) ? Noted($"The metrics of {taken.MachineId} are not judged: no model of class {_classes.Of(taken.MachineId)} is in force.") : [];
        if (taken.TakenAt > now + MostAhead)
            return IsNew(machine, Blindness.Ahead) ? Noted(string.Create(CultureInfo.InvariantCulture, $"Metrics of {taken.MachineId} are left out: they are said to be of {taken.TakenAt:O}, and it is {now:O}.")) : [];
        var outcome = samples.Take(taken, _settings.Coverage);
        var version = samples.Class.Version;
        var before = machine.Last;
        if (outcome.Kind != SampleKind.Late) machine.Last = (source, id);
        return outcome.Kind switch
        {
            SampleKind.Late when IsNew(machine, Blindness.Late) =>
                Noted(string.Create(CultureInfo.InvariantCulture, $"Metrics of {taken.MachineId} of {taken.TakenAt:O} are left out: they came after later ones.")),
            SampleKind.TooFew => TooFew(machine, taken.MachineId, samples, outcome),
            SampleKind.Scored => Scored(machine, taken.MachineId, samples.Class.Model, version, outcome, before),
            _ => [],
        };
    }

    private static IReadOnlyList<LearnedOutcome> TooFew(Watched machine, string machineId, MachineSamples samples, SampleOutcome outcome)
    {
        machine.Normal = 0;
        var all = samples.Class.Model.Metrics.Count;
        return IsNew(machine, Blindness.TooFew) ? Noted($"The metrics of {machineId} are not judged: {outcome.Missing} of the {all} metrics of {samples.Class.Version} are missing.") : [];
    }

    private IReadOnlyList<LearnedOutcome> Scored(Watched machine, string machineId, MetricModel model, string version, SampleOutcome outcome, (string Source, string Id) completed)
    {
        machine.Blind = Blindness.None;
        var at = new DateTimeOffset(outcome.Interval * model.Settings.Interval.Ticks, TimeSpan.Zero);
        if (model.Judge(machineId, outcome.Interval, outcome.Score!, version, model.Threshold * _settings.Scale) is { } found)
        {
            machine.Normal = 0;
            if (machine.IsTold) return [];
            machine.IsTold = machine.IsOpen = true;
            return [new LearnedOutcome.Found(Finding(machineId, found, outcome, at, completed))];
        }

        if (!machine.IsOpen || ++machine.Normal < _settings.Quiet) return [];
        (machine.IsOpen, machine.IsTold, machine.Normal) = (false, false, 0);
        return [new LearnedOutcome.Over(new Recovery(MetricModel.Name, machineId, [InterruptionCause.MetricAnomaly], $"The metrics of {machineId} have been normal for {_settings.Quiet} samples (model {version})."))];
    }

    private static Finding Finding(string machineId, Anomaly found, SampleOutcome outcome, DateTimeOffset at, (string Source, string Id) completed)
    {
        var all = outcome.Score!.Surprises.Sum();
        var (score, metrics) = (found.Evidence.Samples[0], found.Evidence.Samples.Skip(1));
        IEnumerable<string> said =
        [
            string.Create(CultureInfo.InvariantCulture, $"Sample of {at:O}: score {score.Value:0.###}, threshold {score.Expected:0.###}, model {found.Evidence.Settings}."),
            .. metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.What}: {metric.Value / all * 100:0.#}% of the surprise, {metric.Value:0.##} times its usual one.")),
        ];
        IEnumerable<string> missing = outcome.Missing == 0 ? [] : [$"Missing metrics: {outcome.Missing} were not measured; they count as normal."];
        return new Finding(
            string.Create(CultureInfo.InvariantCulture, $"{machineId}-metric-anomaly-{at.ToUnixTimeMilliseconds()}"), machineId, InterruptionCause.MetricAnomaly, Severity.Replace, found.Reason, MetricModel.Name,
            [.. said.Select(text => new Evidence(completed.Source, completed.Id, text))])
        {
            RuledOut = [.. found.Evidence.RuledOut, .. missing],
        };
    }

    private static bool IsNew(Watched machine, Blindness blind)
    {
        if (machine.Blind == blind) return false;
        machine.Blind = blind;
        return true;
    }

    private static IReadOnlyList<LearnedOutcome> Noted(string said) => [new LearnedOutcome.Noted(said)];

    private Watched Of(string machineId)
    {
        if (_machines.TryGetValue(machineId, out var watched)) return watched;
        if (_machines.Count == MostMachines) _machines.Remove(_machines.Keys.First());
        return _machines[machineId] = new Watched { Samples = _models.TryGetValue(_classes.Of(machineId), out var model) ? new MachineSamples(model) : null };
    }

    private enum Blindness
    {
        None,
        NoClass,
        Ahead,
        Late,
        TooFew,
    }

    private sealed class Watched
    {
        public MachineSamples? Samples { get; init; }

        public (string Source, string Id) Last { get; set; }

        public Blindness Blind { get; set; }

        public bool IsOpen { get; set; }

        public bool IsTold { get; set; }

        public int Normal { get; set; }
    }
}
