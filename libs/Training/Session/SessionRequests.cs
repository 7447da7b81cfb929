using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>What a session trains, on what, and where its shared files are.</summary>
/// <param name="Name">Unique name of the job.</param>
/// <param name="Shape">Shape of the model.</param>
/// <param name="Recipe">Seed, steps, batch and optimizer settings.</param>
/// <param name="CorpusFile">Path of the training text.</param>
/// <param name="Directory">Folder on shared storage: checkpoints and the records of the first step.</param>
public sealed record SessionJob(string Name, ModelShape Shape, TrainingRecipe Recipe, string CorpusFile, string Directory)
{
    /// <summary>Degrees of parallelism; a single rank by default.</summary>
    public ParallelLayout Layout { get; init; } = new(1);

    /// <summary>Ranks per machine; 1 by default.</summary>
    public int Devices { get; init; } = 1;

    /// <summary>Steps between two checkpoints; 0 (the default): only the initial one.</summary>
    public int CheckpointEvery { get; init; }

    /// <summary>Techniques to use; all by default.</summary>
    public MigrationTechniques Techniques { get; init; } = new();

    /// <summary>One rank's part of the job at step 0; the caller's to dispose.</summary>
    /// <param name="rank">Rank in the layout.</param>
    public Replica CreateReplica(int rank) => new(Shape, Recipe, Layout, Layout.PositionOf(rank));

    internal Replica CreateReplica(int rank, ReplicaMemory memory, Func<double>? slowness) =>
        new(slowness is null ? new ByteGpt(Shape) : new SlowedModel(new ByteGpt(Shape), slowness), Recipe, Layout, Layout.PositionOf(rank), memory);

    /// <summary>Elements of the longest buffer that any role of the job has on one of a machine's devices.</summary>
    internal int LongestBuffer(int device) =>
        JobRoles.Of(this).Max(ranks => new ParameterLayout(new ByteGpt(Shape), Layout, Layout.PositionOf(ranks[device])).FlatLength) + 1;
}

/// <summary>Which techniques a migration uses. Each can be left out, to measure what it saves.</summary>
/// <param name="TwoPhaseGroups">Groups are prepared while training goes on, and the switch changes the connections of the delta plan; without it, all groups are made anew in the pause, and nobody is followed.</param>
/// <param name="Sandbox">Joiners run shadow iterations (paper, sandboxed shadow iteration); without it a joiner that is not followed is cold until the pause: not even its replicas are allocated.</param>
/// <param name="Following">The joiner of an expected migration becomes a replica before the pause.</param>
/// <param name="HotStandby">An armed standby follows a member before anybody is lost, so that the joiner of an unexpected migration is a replica too.</param>
/// <param name="StepRule">Survivors that entered a commit without seeing it pass, while others did, apply its step; without it they count the step and lose its update, and replicas differ ever after.</param>
/// <param name="GradientBuffer">What a joiner follows arrives in its gradient buffer, which is idle until it trains; without it in device memory of its own.</param>
public sealed record MigrationTechniques(
    bool TwoPhaseGroups = true, bool Sandbox = true, bool Following = true, bool HotStandby = true, bool StepRule = true, bool GradientBuffer = true);

/// <summary>What a machine is to do in a migration.</summary>
public enum MigrationRole
{
    /// <summary>Keeps its rank.</summary>
    Stayer,

    /// <summary>Gives its rank and state away.</summary>
    Leaver,

    /// <summary>Takes a leaver's rank and state.</summary>
    Joiner,
}

/// <summary>All ranks of a machine move to another.</summary>
/// <param name="Leaver">Machine that leaves.</param>
/// <param name="Joiner">Machine that takes its exact role.</param>
public sealed record MachineMove(string Leaver, string Joiner);

/// <summary>A request to a session. The same request again is answered with the same events and has no second effect.</summary>
/// <param name="Id">Same for every repeat of the same request.</param>
/// <param name="JobName">The job it concerns.</param>
/// <param name="Generation">Generation of the job that it serves; requests of a generation already left behind are refused.</param>
public abstract record SessionRequest(string Id, string JobName, int Generation);

/// <summary>Take the machine's ranks in a new topology and train.</summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Job">What to train.</param>
/// <param name="Topology">Members of the first generation.</param>
public sealed record StartRequest(string Id, SessionJob Job, Topology Topology) : SessionRequest(Id, Job.Name, Topology.Generation);

/// <summary>Run a shadow iteration on the job's record and stay warm (paper, general standby).</summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Job">The job.</param>
/// <param name="Generation">Generation of the job when the request was made.</param>
public sealed record WarmUpRequest(string Id, SessionJob Job, int Generation) : SessionRequest(Id, Job.Name, Generation);

/// <summary>Phase 1 of a migration: everything that can be done while the old group trains on.</summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Migration">The migration.</param>
/// <param name="Job">The job, which a joiner does not know yet.</param>
/// <param name="From">Membership that is left.</param>
/// <param name="To">Membership that is switched to.</param>
/// <param name="Moves">Machines that give and take ranks.</param>
/// <param name="Expected">The leavers live: the joiners can follow them.</param>
public sealed record PrepareRequest(string Id, string Migration, SessionJob Job, Topology From, Topology To, IReadOnlyList<MachineMove> Moves, bool Expected = true)
    : SessionRequest(Id, Job.Name, To.Generation)
{
    /// <summary>Role of <paramref name="machine"/> in this migration.</summary>
    public MigrationRole RoleOf(string machine) =>
        Moves.Any(move => move.Joiner == machine) ? MigrationRole.Joiner
        : Moves.Any(move => move.Leaver == machine) ? MigrationRole.Leaver
        : MigrationRole.Stayer;
}

/// <summary>Phase 2: vote for the switch; with a lost leaver, agree with the other survivors and switch now.</summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Migration">The migration.</param>
/// <param name="JobName">The job.</param>
/// <param name="Generation">Generation to switch to.</param>
/// <param name="LeaverLost">The leaver is dead: the old group is given up and state comes from a surviving peer.</param>
public sealed record SwitchRequest(string Id, string Migration, string JobName, int Generation, bool LeaverLost)
    : SessionRequest(Id, JobName, Generation);

/// <summary>Drop what was prepared; refused once this machine's vote has passed.</summary>
/// <param name="Id">Id of the request.</param>
/// <param name="Migration">The migration.</param>
/// <param name="JobName">The job.</param>
/// <param name="Generation">Generation of the migration.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record AbortRequest(string Id, string Migration, string JobName, int Generation, string Reason)
    : SessionRequest(Id, JobName, Generation);
