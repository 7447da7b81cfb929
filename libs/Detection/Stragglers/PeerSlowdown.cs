using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Stragglers;

/// <summary>Settings of <see cref="PeerSlowdown"/>. Slowness is a fraction: 0.1 is a tenth more time than expected.</summary>
public sealed record PeerSlowdownSettings : DetectorSettings
{
    /// <summary>Iterations from which a worker's usual pace against its peers is taken. Default 64.</summary>
    public int Baseline { get; init; } = 64;

    /// <summary>Iterations after which the usual pace counts as known. Default 8.</summary>
    public int Warmup { get; init; } = 8;

    /// <summary>Workers that must report beside the one that is judged; with fewer the detector is blind. Default 2.</summary>
    public int Peers { get; init; } = 2;

    /// <summary>
    /// Part of the peers that a worker has to be slower than. Default 0.75: where more than a quarter of them becomes slow as it does they have a cause in common (a core that they share with something else, a switch, the
    /// work), and what counts is by how much a worker is slower still. At 0.5 a straggler is found as long as fewer than half are slow.
    /// </summary>
    public double SlowerThan { get; init; } = 0.75;

    /// <summary>Slowness that counts as none. Default 0.1.</summary>
    public double Tolerated { get; init; } = 0.1;

    /// <summary>
    /// What is tolerated beyond that, as a multiple of the worker's usual spread; or of how far the paces of all change from one iteration to the next, where that is more, and more than
    /// <see cref="Tolerated"/>: work that differs from iteration to iteration makes nobody slow. Default 2.
    /// </summary>
    public double Spreads { get; init; } = 2;

    /// <summary>
    /// Slowness beyond what is tolerated that has to add up; more where chance could come to as much (see <see cref="ChanceEvery"/>). Default 0.6: a worker 20% slower is found after
    /// six iterations, one 80% slower after two.
    /// </summary>
    public double Limit { get; init; } = 0.6;

    /// <summary>
    /// Iterations of one worker in which chance alone may add up to the limit once, as far as what is tolerated is half the slowness that matters and what is usual spreads normally: the limit of a sequential
    /// probability ratio test (Wald, 1945), which grows with the square of the spread (see <see cref="Spreads"/>). Default 100,000.
    /// </summary>
    public double ChanceEvery { get; init; } = 100_000;

    /// <summary>Most that one iteration adds to it. Default 0.35: one slow iteration is no straggler.</summary>
    public double Cap { get; init; } = 0.35;

    /// <summary>Iterations in which it has to be slow beyond what is tolerated while that adds up. Default 2; where each iteration is reported, two long ones may be chance.</summary>
    public int Iterations { get; init; } = 2;

    /// <summary>
    /// How long a worker has to be slow as well, where it is known how long iterations take: a neighbour on the same host that is busy for a moment slows a worker down, and moving it is dearer than
    /// that moment. Default none.
    /// </summary>
    public TimeSpan Lasting { get; init; }

    /// <summary>Iterations at the usual pace after which a straggler has recovered. Default 32.</summary>
    public int Recovery { get; init; } = 32;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        { Warmup: < 1 } => $"Warmup is {Warmup}; it is positive.",
        _ when Baseline < Warmup => $"Baseline ({Baseline}) is not below Warmup ({Warmup}).",
        { Peers: < 1 } => $"Peers is {Peers}; it is positive.",
        _ when !(SlowerThan is >= 0.5 and <= 1) => $"SlowerThan is {SlowerThan}; it lies between 0.5 and 1.",
        _ when !(Tolerated > 0) => $"Tolerated is {Tolerated}; it is positive.",
        _ when !(Spreads >= 0) => $"Spreads is {Spreads}; it is not negative.",
        _ when !(ChanceEvery >= 1) => $"ChanceEvery is {ChanceEvery}; it is at least 1.",
        _ when !(Cap > 0 && Cap < Limit) => $"Cap ({Cap}) is positive and below Limit ({Limit}).",
        { Iterations: < 1 } => $"Iterations is {Iterations}; it is positive.",
        _ when Lasting < TimeSpan.Zero => $"Lasting is {Lasting}; it is not negative.",
        { Recovery: < 1 } => $"Recovery is {Recovery}; it is positive.",
        _ => null,
    };
}

/// <summary>
/// Judges each worker against its peers of the same iteration and against its own pace before: a slowdown of all (more data, a slow network) moves nobody's ratio to
/// the others, a worker that was always slower than the others is not a straggler by that (differences below half of what is tolerated are not learned), and one that was faster is none as long as it
/// keeps up with them. Where the paces of all jump from iteration to iteration, the work differs (lengths of sequences), and slowness has to stand out from that as well. Not safe for use by several threads at once.
/// </summary>
public sealed class PeerSlowdown
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "peer-slowdown";

    private const int KeptSamples = 16;
    private const int KeptChanges = 8;
    private const double Quarter = 0.25;

    // Below it lies a quarter of normal values, by their size and in standard deviations.
    private const double QuarterOfNormal = 0.3186;
    private static readonly double OfDifference = 1 / Math.Sqrt(2);
    private readonly PeerSlowdownSettings _settings;
    private readonly Dictionary<string, Pace> _paces = new(StringComparer.Ordinal);
    private readonly Recent<double> _changes = new(KeptChanges);
    private Dictionary<string, double> _before = new(StringComparer.Ordinal);

    /// <summary>A detector that has seen nothing.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public PeerSlowdown(PeerSlowdownSettings? settings = null)
    {
        _settings = settings ?? new PeerSlowdownSettings();
        _settings.Require();
    }

    /// <summary>How far each worker's slowness has added up, as a fraction of the limit: 1 and above is a straggler.</summary>
    public IReadOnlyDictionary<string, double> Scores =>
        _paces.ToDictionary(pace => pace.Key, pace => pace.Value.Slowness.Sum / _settings.Limit, StringComparer.Ordinal);

    /// <summary>Takes in one iteration.</summary>
    /// <param name="iteration">Number of the iteration, which grows from call to call.</param>
    /// <param name="times">Time that each worker took for its own work, in any unit; workers may be missing.</param>
    /// <param name="took">How long the iteration took by the clock; zero where nobody knows, and then <see cref="PeerSlowdownSettings.Lasting"/> asks for nothing.</param>
    /// <param name="cores">
    /// How much of its time each worker spent on which processor core, in any unit, where that is known. Those that share one are measured against each other: that a core is slower than another one is the doing
    /// of no worker.
    /// </param>
    /// <returns>Stragglers and recoveries that this iteration reveals; each straggler is told once until it recovers.</returns>
    /// <exception cref="ArgumentException">A time is not a positive number.</exception>
    public IReadOnlyList<Finding> Observe(long iteration, IReadOnlyDictionary<string, double> times, TimeSpan took = default, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>>? cores = null)
    {
        if (times.FirstOrDefault(time => !(time.Value > 0 && double.IsFinite(time.Value))) is { Key: { } worker, Value: var value })
            throw new ArgumentException($"The time of {worker} in iteration {iteration} is {value.ToString(CultureInfo.InvariantCulture)}; times are positive numbers.", nameof(times));
        if (times.Count <= _settings.Peers) return [];

        var peers = times.ToDictionary(time => time.Key, time => Robust.Median([.. times.Where(peer => peer.Key != time.Key).Select(peer => peer.Value)]), StringComparer.Ordinal);
        var usual = times.Keys.ToDictionary(name => name, UsualOf, StringComparer.Ordinal);
        var shared = cores?.Count > 1 ? new SharedCores(times, cores, usual) : null;
        var ratios = times.ToDictionary(time => time.Key, time => time.Value / (shared?.Reference(time.Key, peers[time.Key]) ?? peers[time.Key]), StringComparer.Ordinal);
        var spreadOfAll = Robust.Spread(ratios.Values);
        var change = Change(ratios);
        var paces = ratios.ToDictionary(ratio => ratio.Key, ratio => Expect(ratio.Key, ratio.Value, times[ratio.Key] / peers[ratio.Key], usual[ratio.Key], spreadOfAll), StringComparer.Ordinal);
        return
        [
            .. paces.OrderBy(pace => pace.Key, StringComparer.Ordinal).Select(pace => Judge(
                iteration, pace.Key, pace.Value, Robust.Quantile([.. paces.Where(peer => peer.Key != pace.Key).Select(peer => peer.Value.Slower)], _settings.SlowerThan), times[pace.Key], change, paces.Count - 1, took))
                .OfType<Finding>(),
        ];
    }

    /// <summary>Forgets a worker: it left, and whoever takes its name is another one.</summary>
    public void Forget(string worker) => _paces.Remove(worker);

    /// <summary>Forgets what has added up against anybody, after a time in which paces said nothing. Usual paces stay.</summary>
    public void Calm()
    {
        foreach (var pace in _paces.Values)
        {
            pace.Slowness.Reset();
            pace.Samples.Clear();
            (pace.IsStraggler, pace.Calm, pace.SlowIterations) = (false, 0, 0);
        }

        _changes.Clear();
        _before.Clear();
    }

    // How far the ratio of a usual worker has changed lately from one iteration to the next, as a standard deviation. Usual are those that change least: a slow one changes the ratios of those on its core, others each time.
    private double Change(Dictionary<string, double> ratios)
    {
        var changes = ratios.Where(ratio => _before.ContainsKey(ratio.Key)).Select(ratio => Math.Abs(ratio.Value - _before[ratio.Key])).ToList();
        _before = ratios;
        if (changes.Count > 0) _changes.Add(OfDifference * Robust.Quantile(changes, Quarter) / QuarterOfNormal);
        return _changes.Count == 0 ? 0 : Robust.Median(_changes.Values);
    }

    // Until a worker's own pace is known it is measured against the others alone, who may differ by nature.
    private Expected Expect(string worker, double ratio, double toAll, double usual, double spreadOfAll)
    {
        if (!_paces.TryGetValue(worker, out var pace)) _paces[worker] = pace = new Pace(_settings);
        var known = IsKnown(pace);
        return new Expected(pace, ratio, toAll, usual, known ? Robust.Spread(pace.Ratios.Values) : spreadOfAll, known);
    }

    // By how much it differs from its peers counts as far as that is more than half of what is tolerated: less is within the error of the estimate where cores are noisy, and whatever is taken for usual hides slowness.
    private double UsualOf(string worker)
    {
        if (!_paces.TryGetValue(worker, out var pace) || !IsKnown(pace)) return 1;
        var differs = Robust.Median(pace.Usual.Values) - 1;
        return 1 + (Math.Sign(differs) * Math.Max(0, Math.Abs(differs) - (_settings.Tolerated / 2)));
    }

    private bool IsKnown(Pace pace) => pace.Usual.Count >= _settings.Warmup;

    private Finding? Judge(long iteration, string worker, Expected now, double slowerPeers, double time, double change, int peers, TimeSpan took)
    {
        var (pace, ratio, toAll, expected, usual, known) = now;
        var spread = Math.Max(usual, change);
        var tolerated = _settings.Tolerated + (_settings.Spreads * (change > _settings.Tolerated ? spread : usual));
        // Of what it has in common with others nobody is blamed.
        var excess = (now.Slower / (slowerPeers - 1 > tolerated ? slowerPeers : 1)) - 1;
        var crossed = pace.Slowness.Add(excess, tolerated);
        pace.Samples.Add(new EvidenceSample(iteration, "time against the peers", ratio, expected));
        if (now.Slower - 1 <= tolerated)
        {
            pace.Usual.Add(toAll);
            pace.Ratios.Add(ratio);
        }

        if (pace.IsStraggler)
        {
            pace.Calm = excess <= tolerated ? pace.Calm + 1 : 0;
            if (pace.Calm < _settings.Recovery) return null;
            pace.IsStraggler = false;
            pace.Slowness.Reset();
            return new Finding(Name, FindingKind.Recovered, worker, iteration, $"Worker {worker} kept its usual pace for {_settings.Recovery} iterations.",
                Evidence(pace, []), AsksForMigration: false);
        }

        pace.SlowFor = pace.Slowness.Run > 1 ? pace.SlowFor + took : took;
        pace.SlowIterations = (pace.Slowness.Run > 1 ? pace.SlowIterations : 0) + (excess > tolerated ? 1 : 0);
        if (!crossed || pace.Slowness.Sum < spread * spread * Math.Log(_settings.ChanceEvery) / (2 * tolerated)) return null;
        if (pace.SlowIterations < _settings.Iterations || (took > TimeSpan.Zero && pace.SlowFor < _settings.Lasting))
        {
            pace.Slowness.Hold();
            return null;
        }

        pace.IsStraggler = true;
        pace.Calm = 0;
        return new Finding(
            Name, FindingKind.SlowWorker, worker, iteration,
            string.Create(CultureInfo.InvariantCulture, $"Worker {worker} takes {ratio:0.00} times as long as its {peers} peers, usually {expected:0.00} times."),
            Evidence(pace,
            [
                string.Create(CultureInfo.InvariantCulture, $"A slow job: the peers of the same iteration are not slower (the ratio would stay at {expected:0.00})."),
                string.Create(CultureInfo.InvariantCulture, $"A slow processor core: those that computed on the same ones at the time, where any did, are what it is measured against; against all peers it is {toAll:0.00}."),
                string.Create(CultureInfo.InvariantCulture, $"A cause that it shares with others: {_settings.SlowerThan:P0} of its peers take at most {slowerPeers:0.00} times as long as usual."),
                string.Create(CultureInfo.InvariantCulture, $"A worker that always differs: {(known ? $"its own ratio of the last {pace.Usual.Count} healthy iterations is {expected:0.00}, spread {spread:0.000}" : "not known yet, it is new")}."),
                string.Create(CultureInfo.InvariantCulture, $"One slow iteration: the slowness added up over {pace.Slowness.Run} iterations; this one took {time:0.###}."),
                string.Create(CultureInfo.InvariantCulture, $"Work that differs from iteration to iteration: the ratio of a usual worker changes by {change:0.000} between two iterations, and {tolerated:0.00} beyond the expected is tolerated."),
            ]),
            AsksForMigration: true);
    }

    private FindingEvidence Evidence(Pace pace, IReadOnlyList<string> ruledOut) => new([.. pace.Samples.Values], ruledOut, _settings.Version);

    /// <summary>A worker in one iteration: its time against its peers', which are those on its cores where they share them, and against the median of all; and what is usual for it.</summary>
    private sealed record Expected(Pace Pace, double Ratio, double ToAll, double Usual, double Spread, bool Known)
    {
        /// <summary>How many times its usual pace it takes; its peers' where that is slower: who was faster than the others and is as fast as they are now delays nobody.</summary>
        public double Slower => Ratio / Math.Max(Usual, 1);
    }

    private sealed class Pace(PeerSlowdownSettings settings)
    {
        /// <summary>Times against the median of all peers. Were those on the same cores the measure of what is usual, two that always share one could drift away together.</summary>
        public Recent<double> Usual { get; } = new(settings.Baseline);

        /// <summary>Times against the peers that they are judged by.</summary>
        public Recent<double> Ratios { get; } = new(settings.Baseline);

        public Recent<EvidenceSample> Samples { get; } = new(KeptSamples);

        public Cusum Slowness { get; } = new(settings.Limit, settings.Cap);

        public TimeSpan SlowFor { get; set; }

        public int SlowIterations { get; set; }

        public bool IsStraggler { get; set; }

        public int Calm { get; set; }
    }
}
