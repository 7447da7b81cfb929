using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Jobs;

/// <summary>Settings of <see cref="LossWatch"/>.</summary>
public sealed record LossWatchSettings : DetectorSettings
{
    /// <summary>Losses from which the course is taken. Default 32.</summary>
    public int Baseline { get; init; } = 32;

    /// <summary>Losses after which the course counts as known. Default 4.</summary>
    public int Warmup { get; init; } = 4;

    /// <summary>How far above its course a loss is a spike, as a fraction of it. Default 0.2.</summary>
    public double Spike { get; init; } = 0.2;

    /// <summary>How many spreads above its course a loss has to be as well. Default 6.</summary>
    public double Spreads { get; init; } = 6;

    /// <summary>How near its course the loss has to come back to count as healed, as a fraction of it. Default 0.05.</summary>
    public double Healed { get; init; } = 0.05;

    /// <summary>Iterations that a spike is given to heal. Default 200.</summary>
    public int HealWithin { get; init; } = 200;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        { Warmup: < 2 } => $"Warmup is {Warmup}; it is at least 2.",
        _ when Baseline < Warmup => $"Baseline ({Baseline}) is not below Warmup ({Warmup}).",
        _ when !(Healed > 0 && Healed < Spike) => $"Healed ({Healed}) is positive and below Spike ({Spike}).",
        _ when !(Spreads >= 0) => $"Spreads is {Spreads}; it is not negative.",
        { HealWithin: < 1 } => $"HealWithin is {HealWithin}; it is positive.",
        _ => null,
    };
}

/// <summary>
/// Watches the loss for silent corruption: a value that is no number is raised at once, a spike only when it does not heal. Not safe for use by several threads at
/// once.
/// </summary>
public sealed class LossWatch
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "loss";

    private const int KeptSamples = 16;
    private readonly LossWatchSettings _settings;
    private readonly Recent<double> _course;
    private readonly Recent<EvidenceSample> _samples = new(KeptSamples);
    private long? _spikeSince;
    private bool _isRaised;

    /// <summary>A watch that has seen nothing.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public LossWatch(LossWatchSettings? settings = null)
    {
        _settings = settings ?? new LossWatchSettings();
        _settings.Require();
        _course = new Recent<double>(_settings.Baseline);
    }

    /// <summary>Iteration at which the loss left its course, while it has not healed.</summary>
    public long? SpikeSince => _spikeSince;

    /// <summary>Takes in the loss of an iteration. Iterations may be left out.</summary>
    /// <returns>Corruption or its end; null otherwise.</returns>
    public Finding? Observe(long iteration, double loss)
    {
        var known = _course.Count >= _settings.Warmup;
        var (expected, spread) = known ? Robust.MedianAndSpread(_course.Values) : (loss, 0);
        _samples.Add(new EvidenceSample(iteration, "loss", loss, expected));
        if (!double.IsFinite(loss))
        {
            _spikeSince ??= iteration;
            return Raise(iteration, string.Create(CultureInfo.InvariantCulture, $"The loss of iteration {iteration} is {loss}."), ["A spike that heals: what is no number does not come back by itself."]);
        }

        var scale = Math.Max(Math.Abs(expected), double.Epsilon);
        var excess = (loss - expected) / scale;
        var isSpike = known && excess > Math.Max(_settings.Spike, _settings.Spreads * spread / scale);
        if (_spikeSince is null)
        {
            if (isSpike) _spikeSince = iteration;
            else _course.Add(loss);
            return null;
        }

        if (excess <= _settings.Healed)
        {
            var since = _spikeSince;
            var wasRaised = _isRaised;
            (_spikeSince, _isRaised) = (null, false);
            _course.Add(loss);
            return wasRaised
                ? new Finding(Name, FindingKind.Recovered, "job", iteration, $"The loss is back on its course after {iteration - since} iterations.", Evidence([]), AsksForMigration: false)
                : null;
        }

        return iteration - _spikeSince < _settings.HealWithin
            ? null
            : Raise(
                iteration,
                string.Create(CultureInfo.InvariantCulture, $"The loss left its course of {expected:0.####} at iteration {_spikeSince} and is {loss:0.####} after {iteration - _spikeSince} iterations."),
                [$"A spike that heals: {_settings.HealWithin} iterations were given."]);
    }

    private Finding? Raise(long iteration, string reason, IReadOnlyList<string> ruledOut)
    {
        if (_isRaised) return null;
        _isRaised = true;
        return new Finding(Name, FindingKind.LossCorruption, "job", iteration, reason, Evidence(ruledOut), AsksForMigration: false);
    }

    private FindingEvidence Evidence(IReadOnlyList<string> ruledOut) => new([.. _samples.Values], ruledOut, _settings.Version);
}
