using StreamJsonRpc;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Tests.Support;
using TrainMover.Worker;

namespace TrainMover.NodeAgent.Tests;

public sealed class ReportOutboxTests : IAsyncDisposable
{
    private readonly ReportOutbox _outbox = new();

    public static TheoryData<Exception> Failures =>
    [
        new ConnectionLostException("The agent is gone."),
        new RemoteInvocationException("The agent fell over.", 0, errorData: null),
        new ObjectDisposedException("connection"),
        new IOException("The socket is broken."),
        new OperationCanceledException("The agent is stopping."),
        new InvalidOperationException("The agent is confused."),
    ];

    public ValueTask DisposeAsync() => _outbox.DisposeAsync();

    [Fact]
    public async Task Reports_wait_in_order_while_no_agent_is_connected_and_go_to_the_next_one_that_connects()
    {
        for (var number = 1; number <= 3; number++) _outbox.Add(Report(number));
        var agent = new RecordingAgent();
        _outbox.Connect(agent);
        (await NumbersAsync(agent, 3)).ShouldBe([1, 2, 3]);
    }

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task A_report_that_an_agent_did_not_take_goes_to_the_next_agent(Exception failure)
    {
        var failing = new RecordingAgent(failure: failure);
        _outbox.Connect(failing);
        _outbox.Add(Report(1));
        _outbox.Add(Report(2));
        (await NumbersAsync(failing, 1)).ShouldBe([1]);

        var next = new RecordingAgent();
        _outbox.Connect(next);
        (await NumbersAsync(next, 2)).ShouldBe([1, 2]);
        Numbers(failing).ShouldBe([1]);
    }

    [Fact]
    public async Task A_report_that_an_agent_took_is_not_told_again()
    {
        var first = new RecordingAgent();
        _outbox.Connect(first);
        _outbox.Add(Report(1));
        await NumbersAsync(first, 1);

        var second = new RecordingAgent();
        _outbox.Connect(second);
        _outbox.Add(Report(2));
        (await NumbersAsync(second, 1)).ShouldBe([2]);
        Numbers(first).ShouldBe([1]);
    }

    [Fact]
    public async Task The_newest_agent_is_the_one_that_is_told()
    {
        var older = new RecordingAgent();
        var newest = new RecordingAgent();
        _outbox.Connect(older);
        _outbox.Connect(newest);
        _outbox.Add(Report(1));
        await NumbersAsync(newest, 1);

        // The older one's end is noticed late.
        _outbox.Disconnect(older);
        _outbox.Add(Report(2));
        (await NumbersAsync(newest, 2)).ShouldBe([1, 2]);
        Numbers(older).ShouldBeEmpty();
    }

    [Fact]
    public async Task When_too_many_reports_wait_the_oldest_go_first()
    {
        for (var number = 1; number <= 1030; number++) _outbox.Add(Report(number));
        var agent = new RecordingAgent();
        _outbox.Connect(agent);
        (await NumbersAsync(agent, 1024)).ShouldBe(Enumerable.Range(7, 1024).Select(number => (long)number));
    }

    [Fact]
    public async Task A_slow_agent_misses_old_telemetry_and_no_report()
    {
        var slow = new RecordingAgent(closed: true);
        _outbox.Connect(slow);
        _outbox.Add(Report(0));
        _outbox.Add(Step(0));
        await slow.Seen.FirstAsync<MachineReport>();
        await slow.Seen.FirstAsync<StepCompleted>();
        for (var number = 1; number <= 300; number++)
        {
            _outbox.Add(Report(number));
            _outbox.Add(Step(number));
        }

        slow.Open();
        (await NumbersAsync(slow, 301)).ShouldBe(Enumerable.Range(0, 301).Select(number => (long)number));
        var steps = await slow.Seen.FirstAsync<StepCompleted>(257);
        steps.Select(step => step.Step).ShouldBe([0, .. Enumerable.Range(45, 256).Select(number => (long)number)]);
    }

    private static Agreed Report(long number) => new(number) { MachineId = "m0", Generation = 1 };

    private static StepCompleted Step(long number) => new("m0", "job", 1, 0, number, 1f, BitConverter.SingleToUInt32Bits(1f), 1, 1);

    private static async Task<IEnumerable<long>> NumbersAsync(RecordingAgent agent, int count) => (await agent.Seen.FirstAsync<Agreed>(count)).Select(report => report.BoundaryStep);

    private static IEnumerable<long> Numbers(RecordingAgent agent) => agent.Seen.Of<Agreed>().Select(report => report.BoundaryStep);
}
