using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>What stands in a frame of a following stream.</summary>
internal enum FollowFrameKind
{
    /// <summary>
    /// From the leaver: parameters of a run, and all moments that it holds of it, as they are after <see cref="FollowFrame.Step"/> steps. From here on the joiner follows the run.
    /// </summary>
    State = 1,

    /// <summary>From the leaver: the summed gradients of a run in a step.</summary>
    Gradients = 2,

    /// <summary>From the leaver: the commit of the step has passed; the joiner applies it to all that it follows. <see cref="FollowFrame.Value"/> is the global norm.</summary>
    Update = 3,

    /// <summary>From the leaver: parameters of a run that other ranks updated in the step, as a sharded optimizer gathers them.</summary>
    Parameters = 4,

    /// <summary>From the leaver: hash of a run after so many steps, to be compared.</summary>
    Check = 5,

    /// <summary>From the leaver: everything was sent, with its hashes. From the joiner: all of it is equal; it is a replica as of <see cref="FollowFrame.Step"/> steps, and goes on following.</summary>
    CaughtUp = 6,

    /// <summary>From the leaver: as an update, and the last one, which the joiner holds like all other ranks until the switch is done.</summary>
    HeldUpdate = 7,

    /// <summary>From the leaver: nothing more comes. The joiner is a replica of so many steps if it was caught up.</summary>
    End = 8,

    /// <summary>From the joiner: it has applied so many steps, or holds the update of the last one.</summary>
    Applied = 9,

    /// <summary>From the joiner: a hash differs.</summary>
    Differs = 10,
}

/// <summary>Header of a frame; a payload of float32 values follows for state (<see cref="Replica.StateOf"/>), gradients and parameters (the length).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FollowFrame
{
    public const int ExpectedMagic = 0x31574F46;

    public int Magic;
    public FollowFrameKind Kind;
    public long Step;
    public int Start;
    public int Length;

    /// <summary>Norm of an update.</summary>
    public double Value;

    /// <summary>Hash of a check; in an update the number of ranks that were summed.</summary>
    public UInt128 Hash;
}
