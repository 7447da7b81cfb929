namespace TrainMover.Telemetry.Metrics;

/// <summary>Names of the metrics of devices that detectors know. Counters grow from the start of the device or of its driver.</summary>
public static class DeviceMetrics
{
    /// <summary>Clock of the processors; MHz.</summary>
    public const string SmClock = "device.clock.sm";

    /// <summary>Greatest clock of the processors; MHz.</summary>
    public const string MaxSmClock = "device.clock.sm.max";

    /// <summary>Clock of the memory; MHz.</summary>
    public const string MemoryClock = "device.clock.memory";

    /// <summary>Why the clock is below its greatest; bits of NVML.</summary>
    public const string ClockReasons = "device.clock.reasons";

    /// <summary>Temperature; degrees Celsius.</summary>
    public const string Temperature = "device.temperature";

    /// <summary>Temperature of the memory; degrees Celsius.</summary>
    public const string MemoryTemperature = "device.temperature.memory";

    /// <summary>Temperature at which the device slows itself down; degrees Celsius.</summary>
    public const string SlowdownTemperature = "device.temperature.slowdown";

    /// <summary>Time for which heat kept the clock down; nanoseconds, counter.</summary>
    public const string ThermalThrottled = "device.throttled.thermal";

    /// <summary>Time for which the power limit kept the clock down; nanoseconds, counter.</summary>
    public const string PowerThrottled = "device.throttled.power";

    /// <summary>Power; watt.</summary>
    public const string Power = "device.power";

    /// <summary>Power limit; watt.</summary>
    public const string PowerLimit = "device.power.limit";

    /// <summary>Share of time with work; percent.</summary>
    public const string Utilization = "device.utilization";

    /// <summary>Share of time in which memory was copied; percent.</summary>
    public const string MemoryUtilization = "device.utilization.memory";

    /// <summary>Share of time in which the engines were active; 0 to 1.</summary>
    public const string EngineActive = "device.active.engine";

    /// <summary>Share of cycles of the tensor pipe; 0 to 1.</summary>
    public const string TensorActive = "device.active.tensor";

    /// <summary>Share of cycles of the memory interface; 0 to 1.</summary>
    public const string DramActive = "device.active.dram";

    /// <summary>Free memory; MiB.</summary>
    public const string MemoryFree = "device.memory.free";

    /// <summary>Used memory; MiB.</summary>
    public const string MemoryUsed = "device.memory.used";

    /// <summary>The last XID.</summary>
    public const string LastXid = "device.xid.last";

    /// <summary>Repeated transfers on PCIe; counter.</summary>
    public const string PcieReplays = "device.pcie.replays";

    /// <summary>Memory errors that were corrected; counter.</summary>
    public const string EccCorrected = "device.ecc.corrected";

    /// <summary>Memory errors that could not be corrected; counter.</summary>
    public const string EccUncorrected = "device.ecc.uncorrected";

    /// <summary>Pages that wait for being taken out of service.</summary>
    public const string RetirementPending = "device.memory.retirement-pending";

    /// <summary>Rows that were remapped after errors that could be corrected; counter.</summary>
    public const string RowsRemappedCorrectable = "device.memory.rows-remapped.correctable";

    /// <summary>Rows that were remapped after errors that could not be corrected; counter.</summary>
    public const string RowsRemappedUncorrectable = "device.memory.rows-remapped.uncorrectable";

    /// <summary>1 where rows wait for a reset of the device to be remapped.</summary>
    public const string RowRemapPending = "device.memory.row-remap-pending";

    /// <summary>1 where rows could not be remapped.</summary>
    public const string RowRemapFailure = "device.memory.row-remap-failure";

    /// <summary>Checksum errors of flow control on NVLinks; counter.</summary>
    public const string NvLinkCrcFlit = "link.nvlink.crc-flit";

    /// <summary>Checksum errors of data on NVLinks; counter.</summary>
    public const string NvLinkCrcData = "link.nvlink.crc-data";

    /// <summary>Repeated transfers on NVLinks; counter.</summary>
    public const string NvLinkReplays = "link.nvlink.replays";

    /// <summary>NVLinks that recovered; counter.</summary>
    public const string NvLinkRecoveries = "link.nvlink.recoveries";

    /// <summary>Traffic on NVLinks; counter.</summary>
    public const string NvLinkBandwidth = "link.nvlink.bandwidth";

    /// <summary>Times an InfiniBand link went down; counter.</summary>
    public const string InfinibandLinkDowned = "link.infiniband.downed";

    /// <summary>Times an InfiniBand link recovered from an error by itself; counter.</summary>
    public const string InfinibandLinkRecoveries = "link.infiniband.recoveries";

    /// <summary>Packets with errors that an InfiniBand port received; counter.</summary>
    public const string InfinibandReceiveErrors = "link.infiniband.receive-errors";

    /// <summary>Packets that an InfiniBand port could not send; counter.</summary>
    public const string InfinibandTransmitDiscards = "link.infiniband.transmit-discards";

    /// <summary>Logical state of an InfiniBand port; 4 is active.</summary>
    public const string InfinibandState = "link.infiniband.state";

    /// <summary>Whether a metric is one of these.</summary>
    public static bool IsKnown(string metric) => metric.StartsWith("device.", StringComparison.Ordinal) || metric.StartsWith("link.", StringComparison.Ordinal);
}
