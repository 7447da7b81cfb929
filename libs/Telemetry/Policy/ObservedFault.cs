using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Policy;

/// <summary>An error code of a machine, as a policy judges it, whoever reported it.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Code">The code, for example <c>xid-79</c>, <c>sxid-20034</c>, <c>host-nvme-timeout</c>, or a name of one's own.</param>
/// <param name="At">When it was seen.</param>
/// <param name="Source">Who saw it.</param>
/// <param name="Id">Id of the observation at its source.</param>
public sealed record ObservedFault(string MachineId, string Code, DateTimeOffset At, string Source, string Id)
{
    /// <summary>The device, where one is known.</summary>
    public string? Device { get; init; }

    /// <summary>What is told apart below the code; null where nothing is.</summary>
    public string? Subcode { get; init; }

    /// <summary>Whether the report calls the error fatal; null where it does not say.</summary>
    public bool? SaysFatal { get; init; }

    /// <summary>What the decoding of an NVLink 5 error asks for; null for others.</summary>
    public NvLinkAdvice? Advice { get; init; }

    /// <summary>Further words on an error that was reported before: no further occurrence.</summary>
    public bool IsDetail { get; init; }

    /// <summary>The report in words.</summary>
    public string? Text { get; init; }

    /// <summary>A fault that a kernel log told of.</summary>
    public static ObservedFault Of(KernelLogRecord record, DateTimeOffset at, string source, string id) => new(record.MachineId, record.Fault.Code, at, source, id)
    {
        Device = record.Fault.Device?.ToString(),
        Subcode = record.Fault.Subcode,
        SaysFatal = record.Fault.SaysFatal,
        Advice = record.Fault.NvLink?.Advice,
        IsDetail = record.Fault.IsDetail,
        Text = record.Fault.Text,
    };
}
