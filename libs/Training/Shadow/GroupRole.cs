using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>What a communication group is to one rank: its place in <see cref="IRankGroups"/>.</summary>
public enum GroupRole
{
    /// <summary><see cref="IRankGroups.DataParallel"/>.</summary>
    DataParallel,

    /// <summary><see cref="IRankGroups.TensorParallel"/>.</summary>
    TensorParallel,

    /// <summary><see cref="IRankGroups.ModelParallel"/>.</summary>
    ModelParallel,

    /// <summary><see cref="IRankGroups.Previous"/>.</summary>
    Previous,

    /// <summary><see cref="IRankGroups.Next"/>.</summary>
    Next,

    /// <summary><see cref="IRankGroups.Embedding"/>.</summary>
    Embedding,
}

/// <summary>Roles of groups.</summary>
public static class GroupRoles
{
    /// <summary>The group that a rank has in a role; null where it has none, or is alone in it.</summary>
    /// <param name="groups">The groups of a rank.</param>
    /// <param name="role">The role.</param>
    public static ICommunicator? In(this IRankGroups groups, GroupRole role)
    {
        var group = role switch
        {
            GroupRole.DataParallel => groups.DataParallel,
            GroupRole.TensorParallel => groups.TensorParallel,
            GroupRole.ModelParallel => groups.ModelParallel,
            GroupRole.Previous => groups.Previous,
            GroupRole.Next => groups.Next,
            GroupRole.Embedding => groups.Embedding,
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
        };
        return group is { Size: > 1 } ? group : null;
    }

    /// <summary>The roles whose groups reach beyond a set of ranks: what must be recorded so that those ranks, together and cut off from all others, can run a step.</summary>
    /// <param name="layout">Degrees of parallelism.</param>
    /// <param name="rank">One of the ranks.</param>
    /// <param name="inside">The ranks: those of one machine, or of all machines that are replaced at once.</param>
    public static IReadOnlySet<GroupRole> Crossing(ParallelLayout layout, int rank, IReadOnlySet<int> inside) =>
        layout.GroupsOf(rank).Where(group => !layout.RanksOf(group).All(inside.Contains)).Select(group => RoleOf(group, rank)).ToHashSet();

    private static GroupRole RoleOf(GroupId group, int rank) => group.Kind switch
    {
        GroupKind.DataParallel => GroupRole.DataParallel,
        GroupKind.TensorParallel => GroupRole.TensorParallel,
        GroupKind.ModelParallel => GroupRole.ModelParallel,
        GroupKind.Stages => group.First == rank ? GroupRole.Next : GroupRole.Previous,
        _ => GroupRole.Embedding,
    };
}

/// <summary>Groups of a rank, each put in place by its role.</summary>
/// <param name="layout">The layout.</param>
/// <param name="rank">The rank.</param>
/// <param name="group">The group of a role; null where there is none. Asked once for each role.</param>
internal sealed class GroupsByRole(ParallelLayout layout, int rank, Func<GroupRole, ICommunicator?> group) : IRankGroups
{
    public ParallelLayout Layout => layout;

    public int Rank => rank;

    public ICommunicator DataParallel { get; } = group(GroupRole.DataParallel) ?? SoloCommunicator.Instance;

    public ICommunicator TensorParallel { get; } = group(GroupRole.TensorParallel) ?? SoloCommunicator.Instance;

    public ICommunicator ModelParallel { get; } = group(GroupRole.ModelParallel) ?? SoloCommunicator.Instance;

    public ICommunicator? Previous { get; } = group(GroupRole.Previous);

    public ICommunicator? Next { get; } = group(GroupRole.Next);

    public ICommunicator? Embedding { get; } = group(GroupRole.Embedding);
}
