namespace TrainMover.Training.Session;

/// <summary>A role that a standby was warmed up for.</summary>
/// <param name="Ranks">Ranks of the machine that was recorded for it.</param>
/// <param name="Shadow">Its shadow iteration.</param>
public sealed record WarmRole(IReadOnlyList<int> Ranks, ShadowResult Shadow);

/// <summary>The roles of one job that this machine has run shadow iterations of (paper, general standby): whoever was good in a role is promoted to it without another one.</summary>
internal sealed class WarmRoles
{
    private readonly Lock _gate = new();
    private SessionJob? _job;
    private List<WarmRole> _roles = [];

    /// <summary>Whether the last shadow iteration was good, in any role.</summary>
    public bool IsWarm
    {
        get
        {
            lock (_gate)
                return _roles.Count > 0 && _roles[^1].Shadow.Good;
        }
    }

    /// <summary>In the order of their shadow iterations.</summary>
    public IReadOnlyList<WarmRole> All
    {
        get
        {
            lock (_gate)
                return [.. _roles];
        }
    }

    /// <summary>The good shadow iteration of the role that these ranks have; null where there was none.</summary>
    public ShadowResult? Find(SessionJob job, IReadOnlyList<int> ranks)
    {
        var recorded = RecordedFor(job, ranks);
        lock (_gate)
            return _job == job ? _roles.FirstOrDefault(role => role.Shadow.Good && role.Ranks.SequenceEqual(recorded))?.Shadow : null;
    }

    /// <summary>Takes note of a shadow iteration.</summary>
    public void Note(SessionJob job, IReadOnlyList<int> ranks, ShadowResult shadow)
    {
        var recorded = RecordedFor(job, ranks);
        lock (_gate)
        {
            _roles = _job == job ? [.. _roles.Where(role => !role.Ranks.SequenceEqual(recorded))] : [];
            _job = job;
            _roles.Add(new WarmRole(recorded, shadow));
        }
    }

    /// <summary>The ranks whose record serves these ones: the same for all machines of a role.</summary>
    public static int[] RecordedFor(SessionJob job, IReadOnlyList<int> ranks) => [.. ranks.Select(rank => StepRecords.RecordedFor(job, rank))];
}
