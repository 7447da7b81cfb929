namespace TrainMover.Telemetry.Devices;

/// <summary>Settings of the detectors over metrics of devices and links.</summary>
public sealed record DeviceDetectorOptions
{
    /// <summary>How far back a window reaches. Default 10 minutes; longer than <see cref="Lasting"/>.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a state has to last without a break before it is raised. Default 1 minute.</summary>
    public TimeSpan Lasting { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Greatest time between two samples of an unbroken state. Default 1 minute; a source that is silent for longer is blind, and proves nothing.</summary>
    public TimeSpan MostGap { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Share of time for which heat keeps the clock down, from which on the device counts as throttled. Default 0.2; above 0, at most 1.</summary>
    public double ThermalShare { get; init; } = 0.2;

    /// <summary>Share of its greatest clock below which a busy device counts as throttled. Default 0.7; above 0, below 1.</summary>
    public double ClockShare { get; init; } = 0.7;

    /// <summary>Utilization in percent from which on a device counts as busy. Default 50; above 0, at most 100.</summary>
    public double BusyFrom { get; init; } = 50;

    /// <summary>Errors per minute on a link, over the window, from which on they are raised. Default 100.</summary>
    public double LinkErrorsPerMinute { get; init; } = 100;

    /// <summary>Times that a link goes down, or recovers, within the window before it counts as flapping. Default 3; at least 2.</summary>
    public int FlappingTimes { get; init; } = 3;

    /// <summary>Time for which errors of a link wait for those of other machines behind the same switch: they are raised as one. Default 15 s, longer than a scrape takes to come round; 0 for none.</summary>
    public TimeSpan Together { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        _ when Lasting <= TimeSpan.Zero => $"Lasting is {Lasting}; it is positive.",
        _ when Window <= Lasting => $"Window ({Window}) is longer than Lasting ({Lasting}).",
        _ when MostGap <= TimeSpan.Zero || MostGap > Window => $"MostGap ({MostGap}) is positive, and no longer than Window ({Window}).",
        _ when ThermalShare is not (> 0 and <= 1) => $"ThermalShare is {ThermalShare}; it is above 0, at most 1.",
        _ when ClockShare is not (> 0 and < 1) => $"ClockShare is {ClockShare}; it lies between 0 and 1.",
        _ when BusyFrom is not (> 0 and <= 100) => $"BusyFrom is {BusyFrom}; it is above 0, at most 100.",
        _ when LinkErrorsPerMinute is not > 0 => $"LinkErrorsPerMinute is {LinkErrorsPerMinute}; it is positive.",
        _ when FlappingTimes < 2 => $"FlappingTimes is {FlappingTimes}; it is at least 2.",
        _ when Together < TimeSpan.Zero || Together > TimeSpan.FromMinutes(10) => $"Together is {Together}; it lies between 0 and 10 minutes.",
        _ => null,
    };
}
