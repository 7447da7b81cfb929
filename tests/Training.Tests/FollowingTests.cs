using System.Net;
using System.Net.Sockets;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>One rank that is followed while it trains, and its replica, over a connection between them.</summary>
public class FollowingTests
{
    private const int MostSteps = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TrainingRecipe Recipe = TinyJob.Recipe with { Steps = MostSteps };

    [Fact]
    public async Task What_is_followed_is_the_leavers_bit_for_bit()
    {
        var (digest, followed, _) = await FollowAsync(Recipe);
        followed.ShouldBe(digest);
    }

    [Fact]
    public async Task What_differs_by_a_single_optimizer_setting_is_found_when_it_is_compared_and_does_not_count()
    {
        var (_, followed, reason) = await FollowAsync(Recipe with { LearningRate = Recipe.LearningRate * 1.001f });
        followed.ShouldBeNull();
        reason.ShouldNotBeNull().ShouldContain("differs");
    }

    [Fact]
    public async Task Who_is_closed_late_leaves_the_next_follower_alone()
    {
        var ((near, far), (nextNear, nextFar)) = (Connected(), Connected());
        using var leaver = new Replica(TinyJob.Shape, Recipe);
        using var joiner = new Replica(TinyJob.Shape, Recipe);
        var earlier = new FollowedReplica(leaver, new StateConnection(near, "earlier", Patience));
        far.Dispose();
        using var following = new FollowingReplica(joiner, new StateConnection(nextFar, "leaver", Patience), inGradientBuffer: true);
        using var followed = new FollowedReplica(leaver, new StateConnection(nextNear, "joiner", Patience));
        earlier.Dispose();
        await TrainUntilCaughtUp(leaver, followed);
    }

    // The digests of both when the replica has caught up and the last step is through; without the second, why it never became one.
    private static async Task<(string Leavers, string? Followed, string? Reason)> FollowAsync(TrainingRecipe joiners)
    {
        var (near, far) = Connected();
        using var leaver = new Replica(TinyJob.Shape, Recipe);
        using var joiner = new Replica(TinyJob.Shape, joiners);
        using var following = new FollowingReplica(joiner, new StateConnection(far, "leaver", Patience), inGradientBuffer: true);
        using var followed = new FollowedReplica(leaver, new StateConnection(near, "joiner", Patience), new FollowingPace { StateBytesPerStep = 1, StepsForState = 4 });
        await TrainUntilCaughtUp(leaver, followed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var counts = followed.Finish(leaver.Step);
        counts.ShouldBe(followed.CaughtUp.IsCompletedSuccessfully);
        var ended = following.Ended.WaitAsync(Patience, TestContext.Current.CancellationToken);
        if (!counts)
            return (leaver.Digest(), null, (await Should.ThrowAsync<GroupSetupException>(ended)).Message);
        (await ended).ShouldBe(leaver.Step);
        return (leaver.Digest(), joiner.Digest(), null);
    }

    private static Task TrainUntilCaughtUp(Replica leaver, FollowedReplica followed)
    {
        for (var step = 0; step < MostSteps && !followed.CaughtUp.IsCompleted; step++)
            TinyJob.Train(leaver, 1);
        return followed.CaughtUp.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    private static (Socket Near, Socket Far) Connected()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.Connect(listener.LocalEndPoint!);
        var far = listener.Accept();
        (near.Blocking, far.Blocking) = (false, false);
        return (near, far);
    }
}
