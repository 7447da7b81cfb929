using TrainMover.Agent;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Rpc;
using TrainMover.NodeAgent.Tests.Support;

namespace TrainMover.NodeAgent.Tests;

public sealed class WorkerViewTests
{
    private readonly WorkerView _view = new();

    [Fact]
    public void A_leaver_that_is_released_was_told_to_go()
    {
        Connect(new WorkerStatus(WorkerPhase.Left, 1, "127.0.0.1", 1, TinyJob.Id, Generation: 1));
        _view.IsReleased.ShouldBeFalse();
        _view.Relayed(TinyJob.Release("m0", 2));
        _view.IsReleased.ShouldBeTrue();
    }

    [Fact]
    public void A_worker_without_a_rank_is_not_released_by_a_late_order_not_even_after_it_joined()
    {
        Connect(new WorkerStatus(WorkerPhase.Idle, 1, "127.0.0.1", 1));
        _view.Relayed(TinyJob.Release("m0", 2));
        _view.IsReleased.ShouldBeFalse();

        _view.Seen(new WorkerStatus(WorkerPhase.Joining, 1, "127.0.0.1", 1, TinyJob.Id));
        _view.IsReleased.ShouldBeFalse();
        _view.Trains(TinyJob.Id, 3);
        _view.IsReleased.ShouldBeFalse();
    }

    [Fact]
    public void A_member_of_a_newer_generation_is_not_released_by_an_old_order()
    {
        Connect(new WorkerStatus(WorkerPhase.Training, 1, "127.0.0.1", 1, TinyJob.Id, Generation: 3));
        _view.Relayed(TinyJob.Release("m0", 2));
        _view.Relayed(TinyJob.Release("m0", 3));
        _view.Relayed(TinyJob.Release("m0", 4, job: "another"));
        _view.IsReleased.ShouldBeFalse();
    }

    [Fact]
    public void An_old_order_behind_the_one_that_counts_changes_nothing()
    {
        Connect(new WorkerStatus(WorkerPhase.Left, 1, "127.0.0.1", 1, TinyJob.Id, Generation: 3));
        _view.Relayed(TinyJob.Release("m0", 4));
        _view.Relayed(TinyJob.Release("m0", 2));
        _view.IsReleased.ShouldBeTrue();
    }

    [Fact]
    public void What_one_worker_was_told_does_not_hold_for_the_next()
    {
        Connect(new WorkerStatus(WorkerPhase.Left, 1, "127.0.0.1", 1, TinyJob.Id, Generation: 1));
        _view.Relayed(TinyJob.Release("m0", 2));
        _view.Lost();
        Connect(new WorkerStatus(WorkerPhase.Training, 2, "127.0.0.1", 2, TinyJob.Id, Generation: 1));
        _view.IsReleased.ShouldBeFalse();
    }

    private void Connect(WorkerStatus status) => _view.Connected(new NoWorker(), status);

    private sealed class NoWorker : IWorker
    {
        public Task<Rehearsed> RehearseAsync(Rehearsed messages, CancellationToken ct) => throw new NotSupportedException();

        public Task<WorkerStatus> GetStatusAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task ExecuteAsync(AgentCommand command, CancellationToken ct) => throw new NotSupportedException();
    }
}
