using System.Collections.Frozen;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Prometheus;

/// <summary>Turns what the DCGM exporter says into TrainMover's metrics.</summary>
public static class DcgmMetrics
{
    // DCGM marks a value that it does not have by one of four numbers at the top of each type: blank, not found, not supported, not permitted.
    private const double Blank64 = 9223372036854775808d;
    private const double BlankFraction = 140737488355328d;
    private const double Blank32 = 2147483632d;
    private const int BlankKinds = 4;

    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["DCGM_FI_DEV_SM_CLOCK"] = DeviceMetrics.SmClock,
        ["DCGM_FI_DEV_MEM_CLOCK"] = DeviceMetrics.MemoryClock,
        ["DCGM_FI_DEV_MAX_SM_CLOCK"] = DeviceMetrics.MaxSmClock,
        ["DCGM_FI_DEV_GPU_TEMP"] = DeviceMetrics.Temperature,
        ["DCGM_FI_DEV_MEMORY_TEMP"] = DeviceMetrics.MemoryTemperature,
        ["DCGM_FI_DEV_SLOWDOWN_TEMP"] = DeviceMetrics.SlowdownTemperature,
        ["DCGM_FI_DEV_POWER_USAGE"] = DeviceMetrics.Power,
        ["DCGM_FI_DEV_POWER_MGMT_LIMIT"] = DeviceMetrics.PowerLimit,
        ["DCGM_FI_DEV_GPU_UTIL"] = DeviceMetrics.Utilization,
        ["DCGM_FI_DEV_MEM_COPY_UTIL"] = DeviceMetrics.MemoryUtilization,
        ["DCGM_FI_PROF_GR_ENGINE_ACTIVE"] = DeviceMetrics.EngineActive,
        ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"] = DeviceMetrics.TensorActive,
        ["DCGM_FI_PROF_DRAM_ACTIVE"] = DeviceMetrics.DramActive,
        ["DCGM_FI_DEV_FB_FREE"] = DeviceMetrics.MemoryFree,
        ["DCGM_FI_DEV_FB_USED"] = DeviceMetrics.MemoryUsed,
        ["DCGM_FI_DEV_XID_ERRORS"] = DeviceMetrics.LastXid,
        ["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"] = DeviceMetrics.ClockReasons,
        ["DCGM_FI_DEV_CLOCKS_EVENT_REASONS"] = DeviceMetrics.ClockReasons,
        ["DCGM_FI_DEV_THERMAL_VIOLATION"] = DeviceMetrics.ThermalThrottled,
        ["DCGM_FI_DEV_POWER_VIOLATION"] = DeviceMetrics.PowerThrottled,
        ["DCGM_FI_DEV_PCIE_REPLAY_COUNTER"] = DeviceMetrics.PcieReplays,
        ["DCGM_FI_DEV_ECC_SBE_VOL_TOTAL"] = DeviceMetrics.EccCorrected,
        ["DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"] = DeviceMetrics.EccUncorrected,
        ["DCGM_FI_DEV_RETIRED_PENDING"] = DeviceMetrics.RetirementPending,
        ["DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"] = DeviceMetrics.RowsRemappedCorrectable,
        ["DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"] = DeviceMetrics.RowsRemappedUncorrectable,
        ["DCGM_FI_DEV_ROW_REMAP_PENDING"] = DeviceMetrics.RowRemapPending,
        ["DCGM_FI_DEV_ROW_REMAP_FAILURE"] = DeviceMetrics.RowRemapFailure,
        ["DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL"] = DeviceMetrics.NvLinkCrcFlit,
        ["DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL"] = DeviceMetrics.NvLinkCrcData,
        ["DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL"] = DeviceMetrics.NvLinkReplays,
        ["DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL"] = DeviceMetrics.NvLinkRecoveries,
        ["DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL"] = DeviceMetrics.NvLinkBandwidth,
        ["node_infiniband_link_downed_total"] = DeviceMetrics.InfinibandLinkDowned,
        ["node_infiniband_link_error_recovery_total"] = DeviceMetrics.InfinibandLinkRecoveries,
        ["node_infiniband_port_receive_errors_total"] = DeviceMetrics.InfinibandReceiveErrors,
        ["node_infiniband_port_transmit_discards_total"] = DeviceMetrics.InfinibandTransmitDiscards,
        ["node_infiniband_state_id"] = DeviceMetrics.InfinibandState,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Whether DCGM says by this value that it has none.</summary>
    public static bool IsBlank(double value) =>
        value == Blank64 || (value >= BlankFraction && value < BlankFraction + BlankKinds) || (value >= Blank32 && value < Blank32 + BlankKinds);

    /// <summary>
    /// The samples that say something: DCGM's blanks and values that are no number are left out, names that are known become TrainMover's, others stay as they are.
    /// The device is the PCI bus id, the UUID, the name of an adapter with its port, or the index, whichever is there first.
    /// </summary>
    public static IReadOnlyList<DeviceSample> Map(IReadOnlyList<MetricSample> samples) =>
    [
        .. samples.Where(sample => double.IsFinite(sample.Value) && !(sample.Name.StartsWith("DCGM_", StringComparison.Ordinal) && IsBlank(sample.Value)))
            .Select(sample => new DeviceSample(DeviceOf(sample), Names.GetValueOrDefault(sample.Name, sample.Name), sample.Value)),
    ];

    private static string DeviceOf(MetricSample sample)
    {
        var labels = sample.Labels;
        if (Label("pci_bus_id") is { } bus) return bus;
        if (Label("UUID") is { } uuid) return uuid;
        if (Label("device") is { } device) return Label("port") is { } port ? $"{device}/{port}" : device;
        return Label("gpu") ?? "";

        string? Label(string name) => labels.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
    }
}
