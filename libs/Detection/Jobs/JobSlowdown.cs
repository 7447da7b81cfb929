using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Jobs;

/// <summary>Settings of <see cref="JobSlowdown"/>. Slowness is a fraction of the usual step time.</summary>
public sealed record JobSlowdownSettings : DetectorSettings
{
    /// <summary>Steps from which the usual step time is taken. Default 64.</summary>
    public int Baseline { get; init; } = 64;

    /// <summary>Steps after which the usual step time counts as known. Default 8.</summary>
    public int Warmup { get; init; } = 8;

    /// <summary>Slowness that counts as none. Default 0.02.</summary>
    public double Tolerated { get; init; } = 0.02;

    /// <summary>What is tolerated beyond that, as a multiple of the usual spread. Default 2.</summary>
    public double Spreads { get; init; } = 2;

    /// <summary>Slowness beyond what is tolerated that has to add up, as a multiple of what is tolerated. Default 1.</summary>
    public double Limit { get; init; } = 1;

    /// <summary>Steps at the usual pace after which the job has recovered. Default 32.</summary>
    public int Recovery { get; init; } = 32;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        { Warmup: < 2 } => $"Warmup is {Warmup}; it is at least 2.",
        _ when Baseline < Warmup => $"Baseline ({Baseline}) is not below Warmup ({Warmup}).",
        _ when !(Tolerated > 0) => $"Tolerated is {Tolerated}; it is positive.",
        _ when !(Spreads >= 0) => $"Spreads is {Spreads}; it is not negative.",
        _ when !(Limit > 0) => $"Limit is {Limit}; it is positive.",
        { Recovery: < 1 } => $"Recovery is {Recovery}; it is positive.",
        _ => null,
    };
}

/// <summary>
/// Notices that a synchronous job as a whole became slower: one slow machine slows every step of all. It cannot say who it is; that is for comparison of the workers'
/// own work. Not safe for use by several threads at once.
/// </summary>
public sealed class JobSlowdown
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "job-slowdown";

    private const int KeptSamples = 16;

    // Two steps at least: one adds at most this part of the limit.
    private const double CapOfLimit = 0.75;
    private readonly JobSlowdownSettings _settings;
    private readonly Recent<double> _usual;
    private readonly Recent<EvidenceSample> _samples = new(KeptSamples);
    private readonly Cusum _slowness;
    private bool _isSlow;
    private int _calm;

    /// <summary>A detector that has seen nothing.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public JobSlowdown(JobSlowdownSettings? settings = null)
    {
        _settings = settings ?? new JobSlowdownSettings();
        _settings.Require();
        _usual = new Recent<double>(_settings.Baseline);
        _slowness = new Cusum(_settings.Limit, CapOfLimit * _settings.Limit);
    }

    /// <summary>How far slowness has added up, as a fraction of the limit.</summary>
    public double Score => _slowness.Sum / _settings.Limit;

    /// <summary>Takes in one step.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="time">Its time, in any unit.</param>
    /// <returns>That the job became slow or recovered; null otherwise.</returns>
    /// <exception cref="ArgumentException">The time is not a positive number.</exception>
    public Finding? Observe(long step, double time)
    {
        if (!(time > 0 && double.IsFinite(time)))
            throw new ArgumentException($"The time of step {step} is {time.ToString(CultureInfo.InvariantCulture)}; times are positive numbers.", nameof(time));
        if (_usual.Count < _settings.Warmup)
        {
            _usual.Add(time);
            return null;
        }

        var (expected, spread) = Robust.MedianAndSpread(_usual.Values);
        var tolerated = _settings.Tolerated + (_settings.Spreads * spread / expected);
        var excess = (time / expected) - 1;
        // In multiples of what is tolerated, so that the limit fits quiet and noisy jobs alike.
        var crossed = _slowness.Add(excess / tolerated, 1);
        _samples.Add(new EvidenceSample(step, "step time", time, expected));
        if (excess <= tolerated) _usual.Add(time);

        if (_isSlow)
        {
            _calm = excess <= tolerated ? _calm + 1 : 0;
            if (_calm < _settings.Recovery) return null;
            _isSlow = false;
            _slowness.Reset();
            return new Finding(Name, FindingKind.Recovered, "job", step, $"The job kept its usual step time for {_settings.Recovery} steps.",
                new FindingEvidence([.. _samples.Values], [], _settings.Version), AsksForMigration: false);
        }

        if (!crossed) return null;
        _isSlow = true;
        _calm = 0;
        return new Finding(
            Name, FindingKind.SlowJob, "job", step,
            string.Create(CultureInfo.InvariantCulture, $"Steps take {time:0.###}, usually {expected:0.###}: {excess:P1} slower over {_slowness.Run} steps."),
            new FindingEvidence(
                [.. _samples.Values],
                [
                    $"One slow step: {_slowness.Run} steps in a row.",
                    string.Create(CultureInfo.InvariantCulture, $"Usual variation: {tolerated:P1} is tolerated, from the spread of the last {_usual.Count} healthy steps."),
                ],
                _settings.Version),
            AsksForMigration: false);
    }
}
