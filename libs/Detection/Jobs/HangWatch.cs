using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Jobs;

/// <summary>Settings of <see cref="HangWatch"/>.</summary>
public sealed record HangWatchSettings : DetectorSettings
{
    /// <summary>How many usual durations of the phase that is under way have to pass without progress. Default 3.</summary>
    public double Multiple { get; init; } = 3;

    /// <summary>What is added to that, for the jitter of short steps. Default 250 ms.</summary>
    public TimeSpan Slack { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a phase may take that was never seen to end. Default 30 minutes.</summary>
    public TimeSpan Unknown { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Durations of a phase from which the usual one is taken. Default 32.</summary>
    public int Baseline { get; init; } = 32;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        _ when !(Multiple > 1) => $"Multiple is {Multiple}; it is above 1.",
        _ when Slack < TimeSpan.Zero => $"Slack is {Slack}; it is not negative.",
        _ when Unknown <= Slack => $"Unknown ({Unknown}) is longer than Slack ({Slack}).",
        { Baseline: < 1 } => $"Baseline is {Baseline}; it is positive.",
        _ => null,
    };
}

/// <summary>
/// Notices that nothing moves: no progress in a multiple of the usual duration of the phase that is under way. Each phase (a step, an evaluation, a checkpoint) has a
/// duration of its own, so a long evaluation is not a hang. Time is given by the caller; not safe for use by several threads at once.
/// </summary>
public sealed class HangWatch
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "hang";

    private readonly HangWatchSettings _settings;
    private readonly Dictionary<string, Recent<double>> _durations = new(StringComparer.Ordinal);
    private (string Phase, long Iteration, TimeSpan Since, TimeSpan Allowed)? _underWay;
    private bool _isHung;

    /// <summary>A watch that has seen nothing.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public HangWatch(HangWatchSettings? settings = null)
    {
        _settings = settings ?? new HangWatchSettings();
        _settings.Require();
    }

    /// <summary>Whether a hang was found that is not over.</summary>
    public bool IsHung => _isHung;

    /// <summary>When <see cref="Look"/> would find a hang if nothing moves until then; null while nothing is under way or the hang is known.</summary>
    public TimeSpan? Deadline => _underWay is { } phase && !_isHung ? phase.Since + phase.Allowed : null;

    /// <summary>The job entered a phase, which ends the one before.</summary>
    /// <param name="phase">Name of the phase, e.g. <c>step</c>, <c>evaluation</c>.</param>
    /// <param name="iteration">Iteration of the job.</param>
    /// <param name="now">Monotonic time of the source.</param>
    /// <returns>That a hang is over; null otherwise.</returns>
    public Finding? Entered(string phase, long iteration, TimeSpan now)
    {
        var wasHung = _isHung;
        var before = _underWay;
        // A phase that hung says nothing of how long it usually takes.
        if (before is { } ended && !wasHung)
        {
            if (!_durations.TryGetValue(ended.Phase, out var durations)) _durations[ended.Phase] = durations = new Recent<double>(_settings.Baseline);
            durations.Add((now - ended.Since).TotalSeconds);
        }

        _underWay = (phase, iteration, now, Allowed(phase));
        _isHung = false;
        return wasHung
            ? new Finding(Name, FindingKind.Recovered, "job", iteration, $"The job moves again: it entered {phase}.",
                new FindingEvidence([new EvidenceSample(iteration, $"seconds in {before!.Value.Phase}", (now - before.Value.Since).TotalSeconds, before.Value.Allowed.TotalSeconds)], [], _settings.Version),
                AsksForMigration: false)
            : null;
    }

    /// <summary>The job ended: nothing is under way any more.</summary>
    public void Ended() => (_underWay, _isHung) = (null, false);

    /// <summary>Looks at the clock.</summary>
    /// <param name="now">Monotonic time of the source.</param>
    /// <returns>The hang, once; null while the job may still be moving.</returns>
    public Finding? Look(TimeSpan now)
    {
        if (_underWay is not { } phase || Deadline is not { } deadline || now < deadline) return null;
        _isHung = true;
        var silent = (now - phase.Since).TotalSeconds;
        var known = _durations.TryGetValue(phase.Phase, out var durations);
        var usual = known ? Robust.Median(durations!.Values) : _settings.Unknown.TotalSeconds;
        return new Finding(
            Name, FindingKind.Hang, "job", phase.Iteration,
            string.Create(CultureInfo.InvariantCulture, $"No progress for {silent:0.###} s in {phase.Phase} at iteration {phase.Iteration}; it usually takes {usual:0.###} s."),
            new FindingEvidence(
                [new EvidenceSample(phase.Iteration, $"seconds in {phase.Phase}", silent, usual)],
                [
                    known
                        ? $"A long {phase.Phase}: the last {durations!.Count} of them give the deadline."
                        : string.Create(CultureInfo.InvariantCulture, $"A long {phase.Phase}: none was seen to end, {usual:0} s are allowed."),
                ],
                _settings.Version),
            AsksForMigration: false);
    }

    private TimeSpan Allowed(string phase) => _durations.TryGetValue(phase, out var durations)
        ? TimeSpan.FromSeconds(_settings.Multiple * Robust.Median(durations.Values)) + _settings.Slack
        : _settings.Unknown;
}
