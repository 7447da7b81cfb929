namespace TrainMover.Telemetry.Faults;

/// <summary>What the kernel says of the host itself, as far as training may suffer from it.</summary>
public enum HostSymptom
{
    /// <summary>An array of disks lost a disk and fails.</summary>
    RaidArrayFailure,

    /// <summary>A file system was remounted read-only after errors.</summary>
    FilesystemReadOnly,

    /// <summary>No path to an NVMe drive is left.</summary>
    NvmePathFailure,

    /// <summary>An NVMe command timed out.</summary>
    NvmeTimeout,

    /// <summary>An NVMe drive was disabled, because it could not be reset.</summary>
    NvmeDeviceDisabled,

    /// <summary>Something was read or written behind the end of a device.</summary>
    BeyondEndOfDevice,

    /// <summary>A buffer could not be read or written.</summary>
    BufferIoError,

    /// <summary>A superblock could not be written.</summary>
    SuperblockWriteError,

    /// <summary>A task waits uninterruptibly for minutes.</summary>
    TaskBlocked,

    /// <summary>A processor was busy in the kernel for many seconds.</summary>
    SoftLockup,

    /// <summary>A processor does not even answer interrupts.</summary>
    HardLockup,

    /// <summary>A task asked for memory that is not there.</summary>
    OutOfMemory,

    /// <summary>A task was chosen to be killed, with its group and limits.</summary>
    OomKillChosen,

    /// <summary>A task was killed for its memory.</summary>
    OomKilled,

    /// <summary>Limit of open files of the host reached.</summary>
    FileLimitReached,

    /// <summary>The kernel panics.</summary>
    KernelPanic,

    /// <summary>Header of a stack trace: which processor and task.</summary>
    StackTrace,

    /// <summary>A server of network files does not answer.</summary>
    NfsServerNotResponding,

    /// <summary>It answers again.</summary>
    NfsServerOk,

    /// <summary>Writing back to a server of network files hangs.</summary>
    NfsWritebackHang,

    /// <summary>A slot gives a network adapter too little power.</summary>
    PciePowerInsufficient,

    /// <summary>The module of a network port is too hot.</summary>
    PortModuleHighTemperature,

    /// <summary>Firmware of a network adapter refused access to a register.</summary>
    AdapterRegisterFailed,

    /// <summary>A task crashed within NCCL.</summary>
    NcclSegfault,

    /// <summary>Peer memory was given back in a wrong context.</summary>
    PeermemInvalidContext,

    /// <summary>NVLinks of a GPU did not train.</summary>
    NvlinkTrainingFailed,

    /// <summary>Memory errors that hardware corrected.</summary>
    MemoryErrorCorrected,

    /// <summary>Memory errors that hardware could not correct.</summary>
    MemoryErrorUncorrected,

    /// <summary>A machine check: hardware reports an error.</summary>
    MachineCheck,
}
