using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Interruptions;

namespace TrainMover.Domain.Detection;

/// <summary>What a detector found of a machine, and finds no more.</summary>
/// <param name="Detector">Name of the detector.</param>
/// <param name="MachineId">The machine.</param>
/// <param name="Causes">The causes that are over.</param>
/// <param name="Reason">How that is known, in one plain sentence.</param>
public sealed record Recovery(string Detector, string MachineId, IReadOnlyList<InterruptionCause> Causes, string Reason)
{
    /// <summary>
    /// Ends what the detector raised or recorded of the machine alone. An error code that asks for another machine stays (a device that fell off its bus is silent, and not well), and so does what a
    /// migration is answering.
    /// </summary>
    public Decision Decide(World world)
    {
        var decision = new Decision(world);
        foreach (var interruption in world.Interruptions.Where(interruption => IsOver(world, interruption)))
            decision.OnInterruption(interruption.Raised!.InterruptionId, state => state.Recover(Reason));
        return decision;
    }

    private bool IsOver(World world, Interruption interruption) =>
        interruption.Raised is { } raised && raised.Machines.Count == 1 && raised.Machines[0] == MachineId && Causes.Contains(raised.Cause) && DetectorTuning.Split(raised.Detector).Detector == Detector
        && interruption.Status switch
        {
            InterruptionStatus.Suppressed => true,
            InterruptionStatus.Open => (raised.Cause != InterruptionCause.ErrorCode || raised.Severity != Severity.Replace)
                && !world.Migrations.Any(migration => !migration.Ended && migration.Interruptions.Contains(raised.InterruptionId)),
            _ => false,
        };
}
