using System.Net;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Tests.Support;
using TrainMover.Worker;

namespace TrainMover.NodeAgent.Tests;

public sealed class WorkerTargetTests : IAsyncDisposable
{
    private const string Machine = "m0";
    private const int Generation = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TinyJob _job = new();
    private readonly ReportOutbox _outbox = new();
    private readonly RecordingAgent _agent = new();
    private readonly WorkerTarget _worker;

    public WorkerTargetTests()
    {
        TorchRuntime.Load();
        _worker = new WorkerTarget(new WorkerOptions(Machine, "", "127.0.0.1", IPAddress.Loopback), _outbox);
        _outbox.Connect(_agent);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.DisposeAsync();
        await _outbox.DisposeAsync();
        _job.Dispose();
    }

    [Fact]
    public async Task An_old_release_of_a_machine_that_joined_again_is_refused_and_it_trains_on()
    {
        await TrainAsync();
        await ObeyAsync(TinyJob.Release(Machine, Generation - 1));
        await ObeyAsync(TinyJob.Release(Machine, Generation));
        var refused = await _agent.Seen.FirstAsync<Refused>(2);
        refused.ShouldBe([Refusal(Generation - 1), Refusal(Generation)]);

        await TrainsOnAsync();
        _worker.Released.IsCompleted.ShouldBeFalse();
        (await _worker.GetStatusAsync(default)).Phase.ShouldBe(WorkerPhase.Training);
    }

    [Fact]
    public async Task A_release_of_a_later_generation_ends_the_worker()
    {
        await TrainAsync();
        await ObeyAsync(TinyJob.Release(Machine, Generation + 1));
        await _worker.Released.WaitAsync(Patience, TestContext.Current.CancellationToken);
        _agent.Seen.Of<MachineReport>().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_release_of_a_machine_without_that_job_is_of_no_concern()
    {
        await ObeyAsync(TinyJob.Release(Machine, 1));
        await TrainAsync();
        await ObeyAsync(TinyJob.Release(Machine, Generation + 1, job: "another"));
        await TrainsOnAsync();
        _worker.Released.IsCompleted.ShouldBeFalse();
        _agent.Seen.Of<MachineReport>().ShouldBeEmpty();
    }

    [Fact]
    public async Task Late_and_unknown_orders_are_answered_one_by_one_and_change_nothing()
    {
        await TrainAsync();
        var old = TinyJob.Topology(Generation - 1, (Machine, 1));
        await ObeyAsync(_job.Prepare(Machine, old, TinyJob.Topology(Generation, ("m1", 1))));
        await ObeyAsync(_job.Prepare(Machine, old, TinyJob.Topology(Generation + 1, ("m1", 1))));
        await ObeyAsync(TinyJob.Switch(Machine, Generation - 1));
        await ObeyAsync(TinyJob.Switch(Machine, Generation + 1));
        await ObeyAsync(TinyJob.Abort(Machine, Generation));
        await ObeyAsync(TinyJob.Abort(Machine, Generation + 1));
        await ObeyAsync(TinyJob.Abort(Machine, Generation + 1));
        await ObeyAsync(_job.WarmUp(Machine, Generation));
        await ObeyAsync(_job.Start(Machine, TinyJob.Topology(Generation + 2, (Machine, 1))));
        await ObeyAsync(new UnknownOrder { MachineId = Machine, JobId = TinyJob.Id, Generation = Generation, OrderId = "unknown" });

        var reports = await _agent.Seen.FirstAsync<MachineReport>(9);
        reports.Select(report => report is Refused refused ? refused.Order : report.GetType().Name).ShouldBe(
        [
            $"prepare-{Generation}", $"prepare-{Generation + 1}", $"switch-{Generation - 1}", $"switch-{Generation + 1}",
            $"abort-{Generation}", nameof(Aborted), nameof(Aborted), $"warm-up-{Generation}", $"start-{Generation + 2}",
        ]);
        await TrainsOnAsync();
        (await _worker.GetStatusAsync(default)).Generation.ShouldBe(Generation);
        _agent.Seen.Of<MachineReport>().Count.ShouldBe(9);
    }

    [Fact]
    public async Task An_order_that_makes_no_sense_is_an_error_for_its_sender_only()
    {
        await TrainAsync();
        var to = TinyJob.Topology(Generation + 1, ("m1", 1)) with { Key = "no key" };
        await Should.ThrowAsync<FormatException>(() => ObeyAsync(_job.Prepare(Machine, to, to)));
        await ObeyAsync(TinyJob.Abort(Machine, Generation + 1));
        (await _agent.Seen.FirstAsync<MachineReport>()).ShouldBeOfType<Aborted>();
        await TrainsOnAsync();
    }

    [Fact]
    public async Task A_joiner_has_no_rank_yet_while_it_prepares_and_counts_as_ranked_once_it_follows()
    {
        await using var outbox = new ReportOutbox();
        var agent = new RecordingAgent();
        await using var joiner = new WorkerTarget(new WorkerOptions("m1", "", "127.0.0.1", IPAddress.Loopback), outbox);
        outbox.Connect(agent);
        await TrainAsync();
        var from = TinyJob.Topology(Generation, (Machine, (await _worker.GetStatusAsync(default)).Port));
        var to = TinyJob.Topology(Generation + 1, ("m1", (await joiner.GetStatusAsync(default)).Port));

        await joiner.ExecuteAsync(new AgentCommand(_job.Prepare("m1", from, to)), TestContext.Current.CancellationToken);
        joiner.Ranked.IsCompleted.ShouldBeFalse();
        await ObeyAsync(_job.Prepare(Machine, from, to));
        await agent.Seen.FirstAsync<Prepared>();
        await joiner.Ranked.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await TrainsOnAsync();
    }

    private static Refused Refusal(int generation) =>
        new($"release-{generation}", $"This machine is Training in generation {Generation}: it is not the leaver of generation {generation}.")
        {
            MachineId = Machine,
            JobId = TinyJob.Id,
            Generation = generation,
            MigrationId = $"{TinyJob.Id}-g{generation}",
        };

    private async Task ObeyAsync(AgentOrder order) => await _worker.ExecuteAsync(new AgentCommand(order), TestContext.Current.CancellationToken);

    private async Task TrainAsync()
    {
        var port = (await _worker.GetStatusAsync(default)).Port;
        await ObeyAsync(_job.Start(Machine, TinyJob.Topology(Generation, (Machine, port))));
        await _agent.Seen.FirstAsync<StepCompleted>(step => step.Generation == Generation);
    }

    private async Task TrainsOnAsync()
    {
        var done = (await _worker.GetStatusAsync(default)).Step;
        await _agent.Seen.FirstAsync<StepCompleted>(step => step.Step > done);
    }

    private sealed record UnknownOrder : AgentOrder;
}
