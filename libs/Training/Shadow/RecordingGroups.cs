using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>The groups of a rank during a step that is recorded: calls on the groups of chosen roles are passed on and kept, the others are left alone.</summary>
public sealed class RecordingGroups
{
    private readonly SortedDictionary<GroupRole, RecordingCommunicator> _recorded = [];

    /// <summary>Wraps the groups of a rank.</summary>
    /// <param name="groups">The real groups.</param>
    /// <param name="roles">Roles to record; a role in which the rank is alone has nothing to record.</param>
    public RecordingGroups(IRankGroups groups, IReadOnlySet<GroupRole> roles)
    {
        Groups = new GroupsByRole(groups.Layout, groups.Rank, role =>
        {
            var real = groups.In(role);
            return real is null || !roles.Contains(role) ? real : _recorded[role] = new RecordingCommunicator(real);
        });
    }

    /// <summary>What to train the step with.</summary>
    public IRankGroups Groups { get; }

    /// <summary>What was called so far.</summary>
    public IReadOnlyList<RecordedGroup> Recorded => [.. _recorded.Select(entry => new RecordedGroup(entry.Key, entry.Value.Rank, entry.Value.Size, entry.Value.Calls))];
}
