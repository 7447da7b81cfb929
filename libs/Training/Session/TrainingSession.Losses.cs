using TrainMover.Collectives;

namespace TrainMover.Training.Session;

// A member of the next generation may be lost when the switch to it was, or may have been, agreed, and this machine has not switched. Others may have: then the next plan starts from that
// generation, else from the one before. Until it comes, both ways stay open.
public sealed partial class TrainingSession
{
    /// <summary>A joiner without groups whose switch was lost: it may join again.</summary>
    private bool IsRetained => _lost is not null && _groups is null;

    /// <summary>Keeps what was prepared for the generation that was lost, as the next plan may start from it.</summary>
    private void Retain(MigrationAttempt attempt)
    {
        lock (_gate)
        {
            attempt.Drop();
            (_attempt, _lost) = (null, attempt);
        }
    }

    /// <summary>Whether a generation is the one that was lost, and this machine has what a member of it must have.</summary>
    private bool HasReached(Topology generation) =>
        _lost is { } lost && lost.Request.To == generation && (lost.Role == MigrationRole.Stayer || lost.StateHolders.Contains(_machine));

    /// <summary>The groups that a preparation starts from: those in force, or those of the generation that was lost, which have failed.</summary>
    private async Task<MachineGroups> GroupsOfAsync(Topology generation, CancellationToken ct)
    {
        MigrationAttempt? lost;
        lock (_gate)
        {
            lost = HasReached(generation) ? _lost : null;
            if (lost is null)
                return _groups!;
        }

        var (reached, _) = await lost.Prepared!.SwitchoverAsync(ct).ConfigureAwait(false);
        lock (_gate)
            _lost = null;
        Adopt(reached, SessionPhase.Parked);
        return reached;
    }
}
