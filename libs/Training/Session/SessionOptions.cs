using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>Deadlines and limits of a session.</summary>
public sealed record SessionOptions
{
    /// <summary>How long a warm-up waits for the job's record to appear; default 2 minutes.</summary>
    public TimeSpan RecordDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Longest preparation of groups, in which members also wait for the joiner's shadow iteration; default 2 minutes.</summary>
    public TimeSpan PrepareDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a preparation waits for the joiner to become a replica by following, before the state is left to be copied in the pause; default 90 s, which is well before a plan's deadline.</summary>
    public TimeSpan FollowingDeadline { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Longest switch, from the boundary or the order until the new group stands, before the session parks; default 20 s.</summary>
    public TimeSpan SwitchDeadline { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a rank is in a call of a group before it says that it waits; default 1 s.</summary>
    public TimeSpan LongWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the end of a session waits for its training thread, which an operation that never returns holds up; default 10 s.</summary>
    public TimeSpan EndDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most bytes of recorded tensors that a job keeps on shared storage; default 8 GiB.</summary>
    public long MostRecordBytes { get; init; } = 8L << 30;

    /// <summary>Puts an observer between training and its groups, for tests that fail a chosen rank at a chosen collective.</summary>
    public Func<IRankGroups, IRankGroups>? Instrument { get; init; }

    /// <summary>
    /// Fault injection: processor time that every operation of the model wastes in addition, as a share of what it took; asked before each operation, and infinite for one that does not return until
    /// this says something else. Null, the default, for none. Results stay the same bit for bit.
    /// </summary>
    public Func<double>? Slowness { get; init; }

    /// <summary>Fault injection: called after each step of a rank, on the thread that trains it, before anything is told of the step. Null, the default, for none.</summary>
    public Action? AfterStep { get; init; }

    /// <summary>Refuses deadlines and limits that are not positive.</summary>
    /// <exception cref="ArgumentException">Names what is not positive.</exception>
    public void Validate()
    {
        Require(RecordDeadline, nameof(RecordDeadline));
        Require(PrepareDeadline, nameof(PrepareDeadline));
        Require(FollowingDeadline, nameof(FollowingDeadline));
        Require(SwitchDeadline, nameof(SwitchDeadline));
        Require(LongWait, nameof(LongWait));
        Require(EndDeadline, nameof(EndDeadline));
        Require(MostRecordBytes, nameof(MostRecordBytes));
    }

    private static void Require(TimeSpan deadline, string name)
    {
        if (deadline <= TimeSpan.Zero)
            throw new ArgumentException($"{name} is {deadline}: it must be longer than zero.", name);
    }

    private static void Require(long bytes, string name)
    {
        if (bytes <= 0)
            throw new ArgumentException($"{name} is {bytes}: it must be above zero.", name);
    }
}
