using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// The groups of a rank as a shadow iteration sees them: those that reach beyond the sandbox are answered from the record. Those whose ranks are all inside are real, so that
/// tensor-parallel ranks of a machine, and machines that join together, warm each other up too.
/// </summary>
public sealed class SandboxedGroups
{
    private readonly SortedDictionary<GroupRole, SandboxedCommunicator> _answered = [];

    /// <summary>Opens the sandbox.</summary>
    /// <param name="record">A verified record.</param>
    /// <param name="inside">Real groups among the ranks inside the sandbox; null where there are none.</param>
    public SandboxedGroups(StepRecord record, IRankGroups? inside = null)
    {
        Groups = new GroupsByRole(record.Layout, record.Rank, role =>
        {
            if (inside?.In(role) is { } real)
                return real;
            var recorded = record.Groups.FirstOrDefault(group => group.Role == role);
            return recorded is null ? null : _answered[role] = new SandboxedCommunicator(recorded);
        });
    }

    /// <summary>What to train the shadow step with.</summary>
    public IRankGroups Groups { get; }

    /// <summary>The groups that are answered from the record, by role.</summary>
    public IReadOnlyDictionary<GroupRole, SandboxedCommunicator> Answered => _answered;

    /// <summary>Calls answered so far.</summary>
    public int Calls => _answered.Values.Sum(group => group.Calls);

    /// <summary>Bytes copied from the record into the callers' buffers.</summary>
    public long BytesAnswered => _answered.Values.Sum(group => group.BytesAnswered);
}
