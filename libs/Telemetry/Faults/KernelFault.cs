namespace TrainMover.Telemetry.Faults;

/// <summary>Which catalogue a code belongs to.</summary>
public enum FaultClass
{
    /// <summary>An XID of the GPU driver, other than those of <see cref="NvLink5"/>.</summary>
    Xid,

    /// <summary>An XID from 144 to 150: NVLink 5, with unit and status below the code.</summary>
    NvLink5,

    /// <summary>An SXID of an NVSwitch.</summary>
    SXid,

    /// <summary>What the kernel says of the host itself: storage, memory, processors, network adapters.</summary>
    Host,
}

/// <summary>A process that a line names.</summary>
/// <param name="Pid">Its id; null where the line says that it is unknown.</param>
/// <param name="Name">Its name; null where the line says that it is unknown.</param>
public sealed record FaultProcess(int? Pid, string? Name);

/// <summary>What XID 154 says has to be done with the device, in the driver's numbering.</summary>
public enum RecoveryAction
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The device has to be reset.</summary>
    Reset = 1,

    /// <summary>The node has to be restarted.</summary>
    Reboot = 2,

    /// <summary>Peer-to-peer traffic has to be drained.</summary>
    DrainPeers = 3,

    /// <summary>Work has to be drained, then the device be reset.</summary>
    DrainAndReset = 4,
}

/// <summary>One error that a kernel-log line tells of.</summary>
/// <param name="Class">The catalogue of its code.</param>
/// <param name="Number">XID or SXID; 0 for the class <see cref="FaultClass.Host"/>.</param>
/// <param name="Text">What the line says after its code, at most <see cref="FaultText.MostCharacters"/> characters.</param>
public sealed record KernelFault(FaultClass Class, int Number, string Text)
{
    /// <summary>The device, where the line names one.</summary>
    public PciAddress? Device { get; init; }

    /// <summary>The process, where the line has a place for one.</summary>
    public FaultProcess? Process { get; init; }

    /// <summary>Whether the line itself calls the error fatal; null where it does not say.</summary>
    public bool? SaysFatal { get; init; }

    /// <summary>The number is printed in the line; false where it follows from the words alone (a GPU that has fallen off the bus is XID 79).</summary>
    public bool IsStated { get; init; } = true;

    /// <summary>Further words on an error that a line of its own has announced: no further occurrence.</summary>
    public bool IsDetail { get; init; }

    /// <summary>Port of the NVLink, where the line names one; -1 where the driver says that it is none in particular.</summary>
    public int? Link { get; init; }

    /// <summary>Unit, status and consequence of an NVLink 5 error; null for other classes, and where the line is cut before them.</summary>
    public NvLinkError? NvLink { get; init; }

    /// <summary>What XID 154 asks for now; null for other codes.</summary>
    public RecoveryAction? Recovery { get; init; }

    /// <summary>What the kernel says of the host; null for other classes.</summary>
    public HostSymptom? Symptom { get; init; }

    /// <summary>The code by which policies and events name it: <c>xid-79</c>, <c>sxid-20034</c>, <c>host-nvme-timeout</c>.</summary>
    public string Code => Class switch
    {
        FaultClass.SXid => $"sxid-{Number}",
        FaultClass.Host => $"host-{HostSymptoms.NameOf(Symptom!.Value)}",
        _ => $"xid-{Number}",
    };

    /// <summary>What is told apart below the code: unit, reason and status of NVLink 5 errors, the action of XID 154; null where there is nothing.</summary>
    public string? Subcode => NvLink?.Subcode ?? (Recovery is { } action ? RecoveryActions.NameOf(action) : null);
}
