using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class MigrationAttemptTests
{
    [Fact]
    public void Nobody_begins_to_follow_when_the_state_has_come_another_way()
    {
        // The connections for it may be there late: by then the joiner may train, and what begins to follow writes to its replicas.
        using var attempt = Attempt();
        attempt.StopFollowing();
        attempt.BeginFollowing([], _ => throw new InvalidOperationException("The replicas are in use."));
        attempt.Followers.ShouldBeNull();
    }

    [Fact]
    public void Whoever_waited_may_ask_a_disposed_attempt_why()
    {
        var attempt = Attempt();
        attempt.Drop();
        attempt.Dispose();
        attempt.Dropped.IsCancellationRequested.ShouldBeTrue();
        attempt.LeaverGone.IsCancellationRequested.ShouldBeFalse();
    }

    private static MigrationAttempt Attempt()
    {
        var from = new Topology("job", 1, [new Member(0, "m0", "127.0.0.1", 1), new Member(1, "m1", "127.0.0.1", 2)], new byte[32]);
        var to = from.Next(2, new MachineReplacement("m1", "m2", "127.0.0.1", 3));
        return new MigrationAttempt(new PrepareRequest("prepare", "g2", Cluster.DataParallel(2), from, to, [new MachineMove("m1", "m2")], Expected: true), "m2");
    }
}
