using System.Diagnostics;
using System.Net;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Tests.Support;
using TrainMover.Training;
using TrainMover.Worker;

namespace TrainMover.NodeAgent.Tests;

/// <summary>Invariant 10, seen from outside: listeners that count stand at the addresses of the members that a joiner knows.</summary>
public sealed class SandboxTests
{
    private const string Joiner = "m2";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_shadow_iteration_sends_no_byte_to_a_machine_outside_the_sandbox()
    {
        using var job = new TinyJob(ranks: 2, steps: 2);
        await RecordFirstStepAsync(job);
        var good = StepRecord.Load(job.Record);
        await using var first = new CountingListener();
        await using var second = new CountingListener();
        await using var fellow = new CountingListener();
        await using var joiner = await WorkerByHand.StartAsync(Joiner);
        var port = (await joiner.StatusAsync()).Port;
        var from = TinyJob.Topology(1, ("m0", first.Port), ("m1", second.Port));
        var to = TinyJob.Topology(2, (Joiner, port), ("m3", fellow.Port));
        (long, long)[] nothing = [(0, 0), (0, 0), (0, 0)];

        // The whole iteration runs, by a worker that knows where the members are, and then ends the preparation.
        (good with { UpdatedDigest = good.GradientsDigest }).Save(job.Record);
        await joiner.OrderAsync(job.Prepare(Joiner, from, to));
        (await joiner.Seen.FirstAsync<PreparationFailed>()).Reason.ShouldEndWith("The updated state differs from the record.");
        Counts().ShouldBe(nothing);

        good.Save(job.Record);
        await joiner.OrderAsync(job.WarmUp(Joiner, 1));
        var shadow = (await joiner.Seen.FirstAsync<WarmedUp>()).Shadow;
        (shadow.Good, shadow.Reason, shadow.BytesLeft).ShouldBe((true, null, 0));
        shadow.BytesAnswered.ShouldBe(good.Groups.Sum(group => group.Calls.Sum(call => (long)call.Output.Length)));
        Counts().ShouldBe(nothing);

        // The listeners are where it looks for its peers: once it is warm, it calls on the other joiner.
        await joiner.OrderAsync(job.Prepare(Joiner, from, to with { Generation = 3 }));
        (await fellow.Arrivals.FirstAsync<int>()).ShouldBeGreaterThan(0);

        (long, long)[] Counts() => [first.Count, second.Count, fellow.Count];
    }

    /// <summary>Two ranks train the job over real sockets; the first writes checkpoint and record.</summary>
    private static async Task RecordFirstStepAsync(TinyJob job)
    {
        TorchRuntime.Load();
        var agents = new[] { new RecordingAgent(), new RecordingAgent() };
        var outboxes = new[] { new ReportOutbox(), new ReportOutbox() };
        var workers = outboxes.Select((outbox, rank) => new WorkerTarget(new WorkerOptions($"m{rank}", "", "127.0.0.1", IPAddress.Loopback), outbox)).ToArray();
        var ports = await Task.WhenAll(workers.Select(async worker => (await worker.GetStatusAsync(default)).Port));
        var topology = TinyJob.Topology(1, ("m0", ports[0]), ("m1", ports[1]));
        for (var rank = 0; rank < workers.Length; rank++)
        {
            outboxes[rank].Connect(agents[rank]);
            await workers[rank].ExecuteAsync(new AgentCommand(job.Start($"m{rank}", topology)), TestContext.Current.CancellationToken);
        }

        foreach (var agent in agents) await agent.Seen.FirstAsync<Finished>();

        // The record is written while training goes on, and it is whole when it is there.
        var started = Stopwatch.GetTimestamp();
        while (!Directory.Exists(job.Record))
        {
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new TimeoutException($"No record appeared in {job.Record}.");
            await Task.Delay(20);
        }

        foreach (var worker in workers) await worker.DisposeAsync();
        foreach (var outbox in outboxes) await outbox.DisposeAsync();
    }
}
