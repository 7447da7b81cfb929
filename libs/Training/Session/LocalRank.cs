namespace TrainMover.Training.Session;

/// <summary>One rank of this machine: its state, its groups, and what it knows of the step that it is in. Used by one thread at a time.</summary>
internal sealed class LocalRank(int rank, Replica replica, Func<double>? slowness) : IDisposable
{
    /// <summary>Rank in the job; a warm standby has one of the same role until it joins.</summary>
    public int Rank
    {
        get;
        set
        {
            if (field != value)
                Replica.ForgetStoppedPasses();
            field = value;
        }
    } = rank;

    public Replica Replica { get; private set; } = replica;

    /// <summary>Takes another rank, of whatever role, in the memory that it has.</summary>
    public void Promote(SessionJob job, int rank)
    {
        Checkpoints.Complete();
        (Held, StepStarted) = (null, null);
        Replica = job.CreateReplica(rank, Replica.Vacate(), slowness);
        Rank = rank;
    }

    /// <summary>Writes its checkpoints.</summary>
    public CheckpointWriter Checkpoints { get; } = new();

    /// <summary>Its groups in the generation in force; null before the first one.</summary>
    public MeteredGroups? Groups { get; set; }

    /// <summary>Where it computes.</summary>
    public CoreTimes Cores { get; } = new();

    /// <summary>The thread that trains it.</summary>
    public long Thread { get; set; }

    /// <summary>When the step that it is in began here, monotonic; null where it began on another machine.</summary>
    public long? StepStarted { get; set; }

    /// <summary>The commit of the step after the completed ones was entered: the reduced gradients are in place.</summary>
    public bool EnteredCommit { get; set; }

    /// <summary>The update of the step whose commit agreed on a switch, until the switch is done or has failed; else null.</summary>
    public HeldUpdate? Held { get; set; }

    /// <summary>Steps whose commit has passed: all are applied but one that is held.</summary>
    public long CompletedSteps => Replica.Step + (Held is null ? 0 : 1);

    /// <summary>What the commit of the last completed step came to; null where it was not seen here.</summary>
    public StepTotals? LastTotals { get; set; }

    public void Dispose()
    {
        Checkpoints.Complete();
        Replica.Dispose();
    }
}
