using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>Holds libtorch to one intra-op thread, without which sums have no fixed order. libtorch keeps the number per calling thread, so each computing thread passes here, and asks the system for the slices of one that computes.</summary>
public static class ComputeThread
{
    [ThreadStatic]
    private static bool _held;

    /// <summary>Sets one intra-op thread for the calling thread and checks that libtorch took it.</summary>
    /// <exception cref="InvalidOperationException">libtorch goes on with several threads.</exception>
    public static void HoldToOneThread()
    {
        if (_held)
            return;
        set_num_threads(1);
        if (get_num_threads() is var threads and not 1)
            throw new InvalidOperationException($"libtorch computes with {threads} intra-op threads although one was asked for; results would not be reproducible.");
        ProcessorTurn.AskForMuch();
        _held = true;
    }
}
