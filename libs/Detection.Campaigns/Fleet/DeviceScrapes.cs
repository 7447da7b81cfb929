using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>
/// What an exporter says of one machine, every ten seconds: temperature, power and activity follow a load that wanders; counters of errors grow now and then. Metrics hang together, so one that
/// leaves the others is not normal, though its own value may be.
/// </summary>
internal sealed class DeviceScrapes : MessageSource
{
    /// <summary>Time between two scrapes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Metrics that a model learns from.</summary>
    public static readonly IReadOnlyList<string> Learned =
    [
        DeviceMetrics.Temperature, DeviceMetrics.MemoryTemperature, DeviceMetrics.Power, DeviceMetrics.Utilization, DeviceMetrics.SmClock, DeviceMetrics.TensorActive, DeviceMetrics.DramActive, DeviceMetrics.MemoryUsed,
    ];

    private const string Gpu = "gpu0";
    private const string Port = "mlx5_0/1";
    private const double MaxClock = 1980;
    private const double LoadMemory = 0.98;
    private const double RareErrorsPerScrape = 0.0005;
    private const double RareBreaksPerScrape = 0.0002;
    private static readonly TimeSpan FlapLeast = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan FlapMost = TimeSpan.FromSeconds(100);
    private readonly PlannedRun _run;
    private readonly string _machine;
    private readonly Dice _dice;
    private readonly double _ambient;
    private readonly double _memory;
    private double _wander;
    private TimeSpan _next;
    private double _downed;
    private double _crc;
    private double _throttled;
    private TimeSpan? _flap;

    public DeviceScrapes(PlannedRun run, string machine, Dice dice)
        : base($"exporter-{machine}")
    {
        (_run, _machine, _dice) = (run, machine, dice);
        (_ambient, _memory, _wander) = (dice.Between(-2, 2), dice.Between(70_000, 72_000), dice.Normal());
        (_downed, _crc) = (dice.Below(5), dice.Below(100));
        _next = dice.Between(TimeSpan.Zero, Interval);
    }

    protected override bool Produce()
    {
        if (_next >= _run.Duration) return false;
        var at = _next;
        _next += Interval;
        var values = Sample(at);
        var isSilent = _run.Fault is { Type: FaultType.AgentLoss or FaultType.MachineLoss or FaultType.SwitchLoss } fault && fault.Befalls(_machine, at);
        if (!isSilent) Send(at + TimeSpan.FromMilliseconds(_dice.Between(20, 200)), new DeviceMetricsTaken(_machine, FleetClock.At(at), values), _dice);
        return true;
    }

    private List<DeviceMetric> Sample(TimeSpan at)
    {
        _wander = (LoadMemory * _wander) + (Math.Sqrt(1 - (LoadMemory * LoadMemory)) * _dice.Normal());
        var load = Math.Clamp(0.8 + (0.06 * _wander) + (0.01 * _dice.Normal()), 0.3, 1);
        var (fault, here) = (_run.Fault, _run.Fault?.Befalls(_machine, at) == true);
        var temperature = 40 + _ambient + (30 * load) + (0.4 * _dice.Normal());
        var power = 180 + (480 * load) + (6 * _dice.Normal());
        var memoryTemperature = temperature + 8 + (0.5 * _dice.Normal());
        var clock = MaxClock - (15 * _dice.Below(3));
        var tensor = (0.62 * load) + (0.006 * _dice.Normal());
        var dram = (0.48 * load) + (0.006 * _dice.Normal());
        var utilization = Math.Min(100, 92 + (8 * load) + (0.6 * _dice.Normal()));
        var used = _memory + (40 * _dice.Normal());
        var (reasons, uncorrected, state) = (0, 0, 4);
        if (_dice.Happens(RareErrorsPerScrape)) _crc++;
        if (_dice.Happens(RareBreaksPerScrape)) _downed++;
        switch (here ? fault!.Type : null as FaultType?)
        {
            case FaultType.ThermalThrottle:
                temperature = 88 + (0.5 * _dice.Normal());
                clock = MaxClock * 0.8;
                if (fault!.Variant == 0) reasons = 0x40;
                else _throttled += Interval.TotalNanoseconds * _dice.Between(0.3, 0.8);
                break;
            case FaultType.ClockThrottle when fault!.Variant == 0:
                reasons = 0x80;
                clock = MaxClock * 0.75;
                break;
            case FaultType.ClockThrottle:
                clock = MaxClock * _dice.Between(0.5, 0.62);
                break;
            case FaultType.PowerLimit:
                reasons = 0x4;
                (clock, power) = (MaxClock * 0.85, 450 + (3 * _dice.Normal()));
                break;
            case FaultType.MemoryError:
                uncorrected = 1;
                break;
            case FaultType.FlappingLink:
                _flap ??= at + (_dice.Part() * FlapLeast);
                if (at >= _flap)
                {
                    _flap = at + _dice.Between(FlapLeast, FlapMost);
                    _downed++;
                    // The counter of one kind of port grows; of another its state is seen to be down.
                    state = fault!.Variant == 0 ? 4 : 1;
                }

                break;
            case FaultType.LinkErrors:
                _crc += Math.Round(fault!.Strength / 6 * _dice.Factor(0.2));
                break;
            case FaultType.SwitchTrouble:
                state = 1;
                break;
            case FaultType.MetricAnomaly when fault!.Variant == 0:
                // The cooling degrades; the temperature that slows the device is far.
                temperature += 9 * fault.Strength;
                memoryTemperature += 9 * fault.Strength;
                break;
            case FaultType.MetricAnomaly when fault!.Variant == 1:
                // The device draws power and computes little.
                tensor *= 1 - (0.3 * fault.Strength);
                dram *= 1 - (0.3 * fault.Strength);
                break;
            case FaultType.MetricAnomaly:
                // Memory leaks.
                used += 20 * fault!.Strength * (at - fault.Onset).TotalSeconds;
                break;
        }

        return
        [
            Of(Gpu, DeviceMetrics.Temperature, temperature), Of(Gpu, DeviceMetrics.SlowdownTemperature, 92), Of(Gpu, DeviceMetrics.MemoryTemperature, memoryTemperature), Of(Gpu, DeviceMetrics.Power, power),
            Of(Gpu, DeviceMetrics.Utilization, utilization), Of(Gpu, DeviceMetrics.SmClock, clock), Of(Gpu, DeviceMetrics.MaxSmClock, MaxClock), Of(Gpu, DeviceMetrics.TensorActive, tensor), Of(Gpu, DeviceMetrics.DramActive, dram),
            Of(Gpu, DeviceMetrics.MemoryUsed, used), Of(Gpu, DeviceMetrics.ClockReasons, reasons), Of(Gpu, DeviceMetrics.ThermalThrottled, _throttled), Of(Gpu, DeviceMetrics.EccUncorrected, uncorrected),
            Of(Gpu, DeviceMetrics.NvLinkCrcFlit, _crc), Of(Port, DeviceMetrics.InfinibandState, state), Of(Port, DeviceMetrics.InfinibandLinkDowned, _downed),
        ];
    }

    private static DeviceMetric Of(string device, string metric, double value) => new(device, metric, value);
}
