using System.Text;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>Lines of kernel logs, decoded as an agent does, and what the catalogues of their codes ask for.</summary>
internal sealed class CodeLines(PlannedRun run, Dice dice) : MessageSource("kernel-log")
{
    private static readonly (string Line, Severity Severity)[] Grave =
    [
        ("79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", Severity.Replace),
        ("48, pid=4711, name=python, An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer at partition 6, subpartition 0.", Severity.Replace),
        ("119, pid=4711, name=python, Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function 76 (GSP_RM_CONTROL).", Severity.Replace),
        ("13, pid=4711, name=python, Graphics SM Warp Exception on (GPC 0, TPC 0, SM 0): Out Of Range Address", Severity.Restart),
        ("31, pid=4711, name=python, Ch 00000010, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f3a_00000000. Fault is of type FAULT_PDE ACCESS_TYPE_READ", Severity.Restart),
        ("94, pid=4711, name=python, Contained: SM (0x1). RST: No, D-RST: No", Severity.Restart),
    ];

    private static readonly string[] Harmless =
    [
        "43, pid=4711, name=python, Ch 00000018",
        "45, pid=4711, name=python, Ch 00000018",
    ];

    private bool _isDone;

    /// <summary>What has to be asked for.</summary>
    public static Severity SeverityOf(int variant) => Grave[variant].Severity;

    protected override bool Produce()
    {
        if (_isDone) return false;
        _isDone = true;
        if (run.Fault is not { Type: FaultType.ErrorCode or FaultType.HarmlessCode } fault) return false;
        var text = fault.Type == FaultType.ErrorCode ? Grave[fault.Variant].Line : Harmless[fault.Variant];
        var machine = fault.Machines[0];
        var line = $"[{fault.Onset.TotalSeconds + 86_400:0.000000}] NVRM: Xid (PCI:0000:3b:00): {text}";
        var record = new KernelLogDecoder(machine).Decode(Encoding.UTF8.GetBytes(line)) ?? throw new InvalidOperationException($"No error is found in: {line}");
        Send(
            fault.Onset + TimeSpan.FromMilliseconds(dice.Between(1, 20)),
            new KernelFaultSeen(machine, record.Fault.Code, record.Fault.Text, FleetClock.At(fault.Onset), record.Fault.Device?.ToString(), record.Fault.Subcode, SaysFatal: record.Fault.SaysFatal, MonotonicNs: (long)fault.Onset.TotalNanoseconds),
            dice);
        return true;
    }
}
