using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Tests.Support;

namespace TrainMover.NodeAgent.Tests;

public sealed class WorkerProcessTests
{
    [Fact]
    public async Task A_worker_rehearses_without_a_word_then_listens_and_ends_when_it_is_told_to()
    {
        await using var worker = await WorkerByHand.StartAsync("m0");
        var status = await worker.StatusAsync();
        (status.Phase, status.Pid, status.JobId, status.Generation).ShouldBe((WorkerPhase.Idle, worker.Pid, null, 0));
        worker.Output.ShouldBe("");

        await worker.EndAsync();
        worker.Output.ShouldBe("");
    }
}
