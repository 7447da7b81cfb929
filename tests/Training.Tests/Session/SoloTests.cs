using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class SoloTests
{
    [Fact]
    public async Task A_job_of_one_rank_trains_without_any_peer_and_ends_when_the_session_does()
    {
        await using var cluster = Cluster.Create(1, steps: 1_000_000);
        cluster.Start(cluster.Topology(1, "m0"));
        await cluster.OneAsync<StepDone>("m0", step => step.Step == 5);
    }
}
