using System.Net;
using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>Where one rank never arrives, its peers say that they wait.</summary>
public class LongWaitTests
{
    [Fact]
    public async Task Peers_of_a_rank_that_is_stuck_say_that_they_wait_it_says_nothing_and_training_goes_on_when_it_is_out()
    {
        var isStuck = false;
        await using var cluster = Cluster.Create(3, steps: 400, slowness: machine => Volatile.Read(ref isStuck) && machine == "m1" ? double.PositiveInfinity : 0);
        cluster.Start(cluster.Topology(1, "m0", "m1", "m2"));
        await cluster.AllAsync<StepDone>("m0", "m1", "m2");
        Volatile.Write(ref isStuck, true);
        var waits = await cluster.AllAsync<RankWaits>("m0", "m2");
        waits.Select(wait => wait.Rank).ShouldBe([0, 2]);
        waits.Select(wait => wait.Step).Distinct().ShouldHaveSingleItem().ShouldBe(cluster["m1"].Session.Status.Step);
        cluster["m1"].Events.OfType<RankWaits>().ShouldBeEmpty();

        Volatile.Write(ref isStuck, false);
        await cluster.AllAsync<TrainingFinished>("m0", "m1", "m2");
        cluster["m0"].Events.OfType<RankWaits>().ShouldHaveSingleItem("a wait is told once");
    }

    [Fact]
    public async Task A_session_whose_training_thread_is_stuck_ends_all_the_same()
    {
        var isStuck = true;
        await using var cluster = Cluster.Create(1, steps: 10);
        await using var endpoint = Endpoint.Listen("alone", IPAddress.Loopback, 0);
        var session = new TrainingSession(endpoint, "alone", _ => { }, new SessionOptions { Slowness = () => Volatile.Read(ref isStuck) ? double.PositiveInfinity : 0, EndDeadline = TimeSpan.FromMilliseconds(100) });
        session.Submit(new StartRequest("start", cluster.Job, new Topology("job", 1, new ParallelLayout(1), [new Member(0, "alone", "127.0.0.1", endpoint.Port)], new byte[32])));
        await session.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Volatile.Write(ref isStuck, false);
    }
}
