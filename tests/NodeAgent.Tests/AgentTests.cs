using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.NodeAgent.Tests.Support;

namespace TrainMover.NodeAgent.Tests;

public sealed class AgentTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task An_agent_that_is_killed_and_started_again_adopts_the_running_worker_and_announces_it()
    {
        await using var machine = await AgentMachine.StartAsync();
        await machine.KillAgentAsync();
        ProcessIdentity.Of(machine.FirstWorker.Pid).ShouldNotBeNull();

        // Reports keep their order: what comes after this one is the second agent's.
        var mark = new AgentReport(new Agreed(1) { MachineId = AgentMachine.Id, Generation = 1 });
        await machine.PublishAsync(mark);
        await machine.Seen.FirstAsync<Agreed>();
        var before = machine.Seen.Of<Announced>().Count;
        await machine.StartAgentAsync();
        var announced = (await machine.Seen.FirstAsync<Announced>(before + 1))[^1];

        announced.ShouldBe(new Announced(MachineRole.Standby, machine.FirstWorker) { MachineId = AgentMachine.Id, Generation = 0 });
        machine.Seen.Of<WorkerExited>().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_killed_worker_is_one_exit_that_nobody_ordered_and_a_fresh_worker()
    {
        await using var machine = await AgentMachine.StartAsync();
        var first = machine.FirstWorker;
        EnvironmentOf(first.Pid).ShouldContain("GLIBC_TUNABLES=glibc.malloc.hugetlb=1", "large pages, so that its sockets close soon");
        ProcessIdentity.Of(first.Pid)!.Kill();
        var second = (await machine.Seen.FirstAsync<Announced>(announced => announced.Worker.Pid != first.Pid)).Worker;
        ProcessIdentity.Of(second.Pid)!.Kill();
        var exits = await machine.Seen.FirstAsync<WorkerExited>(2);
        var third = (await machine.Seen.FirstAsync<Announced>(announced => announced.Worker.Pid != first.Pid && announced.Worker.Pid != second.Pid)).Worker;

        exits.ShouldBe([.. new[] { first, second }.Zip(exits, (worker, exit) => Exit(worker.Pid) with { MonotonicNs = exit.MonotonicNs })]);
        machine.Seen.Of<WorkerExited>().Count.ShouldBe(2);
        machine.Seen.Of<WorkerLost>().ShouldBe([Lost(first), Lost(second)]);
        (third.Phase, third.JobId).ShouldBe((WorkerPhase.Idle, null));
    }

    [Fact]
    public async Task Reports_that_a_worker_makes_while_the_broker_is_down_arrive_afterwards()
    {
        using var job = new TinyJob();
        await using var machine = await AgentMachine.StartAsync();
        for (var generation = 1; generation <= 5; generation++) await machine.OrderAsync(job.WarmUp(AgentMachine.Id, generation));

        // Orders keep their order: all warm-ups wait for the record when this one is answered.
        await machine.OrderAsync(TinyJob.Abort(AgentMachine.Id, 6));
        await machine.Seen.FirstAsync<Aborted>();
        machine.Broker.SetDown();
        Directory.CreateDirectory(job.Record);
        Directory.CreateDirectory(Path.GetDirectoryName(job.Checkpoint)!);
        await File.WriteAllTextAsync(job.Checkpoint, "no checkpoint", TestContext.Current.CancellationToken);
        await machine.WaitForBacklogAsync(4);
        machine.Seen.Of<WarmedUp>().ShouldBeEmpty();
        machine.Broker.SetUp();

        var warmedUp = await machine.Seen.FirstAsync<WarmedUp>(5);
        warmedUp.Select(report => report.Generation).Order().ShouldBe([1, 2, 3, 4, 5]);
        warmedUp.ShouldAllBe(report => !report.Shadow.Good);
    }

    [Fact]
    public async Task A_release_that_comes_too_late_does_not_excuse_the_death_of_a_worker_that_joined_since()
    {
        using var job = new TinyJob();
        await using var machine = await AgentMachine.StartAsync();
        var first = machine.FirstWorker;
        await machine.OrderAsync(TinyJob.Release(AgentMachine.Id, 2));
        await machine.OrderAsync(job.Start(AgentMachine.Id, TinyJob.Topology(3, (AgentMachine.Id, first.Port))));
        await machine.Seen.FirstAsync<StepCompleted>(step => step.Generation == 3);
        await machine.OrderAsync(TinyJob.Release(AgentMachine.Id, 3));
        (await machine.Seen.FirstAsync<Refused>()).Order.ShouldBe("release-3");
        ProcessIdentity.Of(first.Pid)!.Kill();
        var death = await machine.Seen.FirstAsync<WorkerExited>();
        death.ShouldBe(Exit(first.Pid) with { JobId = TinyJob.Id, Generation = 3, MonotonicNs = death.MonotonicNs });

        var second = (await machine.Seen.FirstAsync<Announced>(announced => announced.Worker.Pid != first.Pid)).Worker;
        await machine.OrderAsync(job.Start(AgentMachine.Id, TinyJob.Topology(4, (AgentMachine.Id, second.Port))));
        await machine.Seen.FirstAsync<StepCompleted>(step => step.Generation == 4);
        await machine.OrderAsync(TinyJob.Release(AgentMachine.Id, 5));
        var end = (await machine.Seen.FirstAsync<WorkerExited>(2))[1];
        end.ShouldBe(new WorkerExited(AgentMachine.Id, second.Pid, Ordered: true, TinyJob.Id, 4, "The worker ended by itself.", end.MonotonicNs));
    }

    [Fact]
    public async Task An_agent_that_is_told_to_stop_ends_and_leaves_its_worker_alone()
    {
        await using var machine = await AgentMachine.StartAsync();
        machine.Process!.Identity.Terminate();
        await machine.Process.Ended.WaitAsync(Patience, TestContext.Current.CancellationToken);
        ProcessIdentity.Of(machine.FirstWorker.Pid).ShouldNotBeNull();
        machine.Seen.Of<WorkerExited>().ShouldBeEmpty();
    }

    private static WorkerLost Lost(WorkerStatus worker) =>
        new(worker.Pid, worker.Port, Exit(worker.Pid).Detail) { MachineId = AgentMachine.Id, Generation = 0 };

    private static string[] EnvironmentOf(int pid) => File.ReadAllText($"/proc/{pid}/environ").Split('\0');

    private static WorkerExited Exit(int pid) => new(AgentMachine.Id, pid, Ordered: false, null, 0, "The worker was killed by signal 9.", 0);
}
