using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>A migration that is known before its cause.</summary>
/// <param name="Id">Id of the request to prepare it, as it will come from the control plane.</param>
/// <param name="Migration">The migration.</param>
/// <param name="Generation">Generation that it leads to; no other migration's.</param>
public sealed record StandingPlan(string Id, string Migration, int Generation);

/// <summary>
/// Hold the plan for the loss of any one member before it happens: connect with the standby, and when a member's process ends prepare the generation in which the standby has its place. The survivors go on with it together
/// as soon as all of them and the standby are prepared; one that sees no loss keeps all others where they are.
/// </summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Job">The job.</param>
/// <param name="From">Members of the running generation.</param>
/// <param name="Standby">The standby and its address; the rank says nothing.</param>
/// <param name="Generation">Generation under which the standby is connected with; nobody switches to it.</param>
/// <param name="PlanWithout">The plan for the loss of a machine.</param>
public sealed record ArmRequest(string Id, SessionJob Job, Topology From, Member Standby, int Generation, Func<string, StandingPlan> PlanWithout) : SessionRequest(Id, Job.Name, Generation)
{
    private const int MostStanding = 64;

    /// <summary>Where the connections with the standby are admitted: it has the place of the first machine, in a generation that nobody switches to.</summary>
    internal Topology Arming => From.Next(Generation, Replacing(From[0].Machine));

    /// <summary>
    /// The member that the standby follows: the last one of the role that a standby keeps. Null where it follows nobody, because the job does without, or because nobody else has the same state: with a sharded optimizer
    /// every rank has its own, and a single replica has no like.
    /// </summary>
    internal string? Followed
    {
        get
        {
            if (!Job.Techniques.HotStandby || Job.Recipe.ShardOptimizer || Job.Layout.Dp == 1)
                return null;
            var kept = JobRoles.Of(Job)[^1];
            return From.Machines.LastOrDefault(machine => JobRoles.AreAlike(Job, From.RanksOf(machine), kept));
        }
    }

    /// <summary>
    /// The plans of which all connections are made in advance: all of them in a job that goes without none of what they need, up to a number of members beyond which the sockets of all plans would be too many.
    /// </summary>
    internal IReadOnlyList<Topology> Standing =>
        Job.Techniques.TwoPhaseGroups && From.Machines.Count <= MostStanding ? [.. From.Machines.Select(machine => Without(machine)!.To)] : [];

    /// <summary>Phase 1 of the migration that replaces a member; null for a machine that is none.</summary>
    internal PrepareRequest? Without(string machine)
    {
        if (From.RanksOf(machine).Count == 0)
            return null;
        var plan = PlanWithout(machine);
        return new PrepareRequest(plan.Id, plan.Migration, Job, From, From.Next(plan.Generation, Replacing(machine)), [new MachineMove(machine, Standby.Machine)], Expected: false);
    }

    /// <summary>Whether phase 1 of one of the plans is asked for.</summary>
    internal bool Holds(PrepareRequest request) =>
        request is { Expected: false, Moves: [var move] } && move.Joiner == Standby.Machine && request.From == From && Without(move.Leaver) is { } plan && plan.To == request.To;

    private MachineReplacement Replacing(string machine) => new(machine, Standby.Machine, Standby.Host, Standby.Port);
}
