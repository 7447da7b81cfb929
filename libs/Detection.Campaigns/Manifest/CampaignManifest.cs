namespace TrainMover.Detection.Campaigns.Manifest;

/// <summary>Everything that a campaign injects, drawn from its seed: runs with one fault each, and healthy ones.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Runs">The runs; those of one type follow one another, healthy ones come last.</param>
public sealed record CampaignManifest(ulong Seed, IReadOnlyList<PlannedRun> Runs)
{
    private static readonly TimeSpan Forever = TimeSpan.FromDays(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AfterStop = TimeSpan.FromSeconds(3);

    // Error codes that are drawn: place in the list of CodeLines.
    private const int GraveCodes = 6;
    private const int HarmlessCodes = 2;

    /// <summary>Draws a manifest.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="runs">Runs of each type of fault.</param>
    /// <param name="healthy">Healthy runs.</param>
    /// <param name="healthyLength">Length of a healthy run.</param>
    public static CampaignManifest Draw(ulong seed, int runs, int healthy, TimeSpan healthyLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(runs);
        ArgumentOutOfRangeException.ThrowIfNegative(healthy);
        var dice = new Dice(seed);
        var planned = FaultKind.All.SelectMany(kind => Enumerable.Range(0, runs).Select(run => (Kind: (FaultKind?)kind, Run: run))).Concat(Enumerable.Range(0, healthy).Select(run => (Kind: (FaultKind?)null, Run: run)));
        return new CampaignManifest(seed, [.. planned.Select((one, number) => Run(dice.For($"{one.Kind?.Type.ToString() ?? "healthy"} {one.Run}"), number, one.Kind, healthyLength))]);
    }

    private static PlannedRun Run(Dice dice, int number, FaultKind? kind, TimeSpan healthyLength)
    {
        var stages = kind?.Type == FaultType.UnevenStages ? 2 : 1 + dice.Below(2);
        // Somebody has to be left who misses those behind a dead switch.
        var replicas = (kind?.Type == FaultType.SwitchLoss ? 6 : 4) + dice.Below(stages == 2 ? 3 : 5);
        var run = new PlannedRun(number, dice.Bits(), replicas, stages, 2, TimeSpan.FromSeconds(dice.Between(0.4, 3)), healthyLength, null);
        if (kind is null)
        {
            var away = dice.Between(TimeSpan.Zero, healthyLength);
            return run with { Outage = new Outage(away, away + dice.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30))) };
        }

        var fault = Fault(dice, run, kind.Type);
        return run with { Fault = fault, Duration = fault.Onset + kind.Deadline(run.Step) + (kind.StopsTraining ? AfterStop : After) };
    }

    private static PlannedFault Fault(Dice dice, PlannedRun run, FaultType type)
    {
        var rank = dice.Below(run.Members.Count);
        // Until then paces, losses and metrics are known.
        var warm = type is FaultType.MetricAnomaly ? TimeSpan.FromMinutes(8) : TimeSpan.FromMinutes(1) + (40 * run.Step);
        var onset = type is FaultType.UnevenStages ? TimeSpan.Zero : dice.Between(warm, warm + TimeSpan.FromMinutes(2));
        IReadOnlyList<string> machines = type switch
        {
            FaultType.SwitchLoss or FaultType.SwitchTrouble => run.Behind(0),
            FaultType.SlowJob or FaultType.UnevenStages or FaultType.DataSkew or FaultType.HealingSpike => run.Members,
            _ when FaultKind.Of(type).OfJob => run.Members,
            _ => [run.Members[rank]],
        };
        var length = type switch
        {
            FaultType.AgentLoss => dice.Between(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(40)),
            FaultType.StoppedWorker => TimeSpan.FromSeconds(2) + (dice.Between(4, 6) * run.Step),
            FaultType.DataSkew => dice.Between(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(6)),
            _ => Forever,
        };
        var strength = type switch
        {
            FaultType.SlowWorker => dice.Between(1.2, 1.8),
            FaultType.SlowJob => dice.Between(1.1, 1.6),
            FaultType.UnevenStages => dice.Between(1.2, 2),
            FaultType.DataSkew => dice.Between(0.1, 0.3),
            // Half of them slow the worker, which is then raised for that.
            FaultType.ThermalThrottle or FaultType.ClockThrottle => dice.Happens(0.5) ? dice.Between(1.2, 1.6) : 1,
            FaultType.LinkErrors => dice.Between(200, 2000),
            FaultType.LossSpike or FaultType.HealingSpike => dice.Between(1.4, 3),
            FaultType.MetricAnomaly => dice.Between(1, 2),
            _ => 0,
        };
        var variants = type switch
        {
            FaultType.ErrorCode => GraveCodes,
            FaultType.HarmlessCode => HarmlessCodes,
            FaultType.ThermalThrottle or FaultType.ClockThrottle or FaultType.FlappingLink or FaultType.LinkErrors => 2,
            FaultType.MetricAnomaly => 3,
            _ => 1,
        };
        return new PlannedFault(type, machines, onset, length, strength, dice.Below(variants));
    }
}
