using System.Net;

namespace TrainMover.Collectives.Tests.Failures;

public sealed class LostProcesses
{
    [Fact]
    public async Task A_killed_process_ends_the_running_calls_of_all_others() =>
        (await FailuresAsync(victim => victim.Kill())).ShouldAllBe(failure => failure.Kind == FailureKind.PeerReset || failure.Kind == FailureKind.ReportedByPeer);

    // A killed process closes its connections when its memory is given back, which may take long. Here they never close.
    [Fact]
    public async Task A_killed_process_is_told_by_its_lifeline_before_its_other_connections_close()
    {
        Assert.SkipWhen(Endpoint.LifelineRefusal is not null, $"{Endpoint.LifelineRefusal}");
        var failures = await FailuresAsync(KillWithConnectionsOpen);
        failures.ShouldAllBe(failure => failure.Kind == FailureKind.PeerReset || failure.Kind == FailureKind.ReportedByPeer);
        failures.ShouldContain(failure => failure.Detail == "The process of m1 has ended.");
    }

    [Fact]
    public async Task Without_lifelines_such_a_process_is_found_by_its_silence_only()
    {
        var failures = await FailuresAsync(KillWithConnectionsOpen, new CollectivesOptions { Lifelines = false });
        failures.ShouldContain(failure => failure.Kind == FailureKind.PeerSilent);
    }

    [Fact]
    public async Task A_stopped_process_is_found_by_its_silence() =>
        (await FailuresAsync(victim => victim.Stop())).ShouldContain(failure => failure.Kind == FailureKind.PeerSilent);

    private static void KillWithConnectionsOpen(RankProcess victim)
    {
        victim.KeepItsConnectionsOpen();
        victim.Kill();
    }

    private static async Task<GroupFailure[]> FailuresAsync(Action<RankProcess> harm, CollectivesOptions? options = null)
    {
        await using var victim = await RankProcess.StartAsync(1);
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, options);
        await using var m2 = Endpoint.Listen("m2", IPAddress.Loopback, 0, options);
        int[] ports = [m0.Port, victim.Port, m2.Port];
        await victim.TellAsync(ports);
        var topology = RankProcess.TopologyOf(ports);
        var groups = await Task.WhenAll(m0.CreateGroupsAsync(topology, Cluster.Deadline()), m2.CreateGroupsAsync(topology, Cluster.Deadline()));
        using var running = new CountdownEvent(groups.Length);
        var failing = groups.Select(group => Cluster.OnThread(() => RunUntilFailure(group.DataParallel, running))).ToList();
        running.Wait(Cluster.Patience).ShouldBeTrue();

        harm(victim);

        var failures = await Task.WhenAll(failing).WaitAsync(Cluster.Patience);
        failures.ShouldAllBe(failure => failure.SuspectMachine == "m1" && failure.SuspectRank == 1);
        return failures;
    }

    private static GroupFailure RunUntilFailure(ICommunicator group, CountdownEvent running)
    {
        var buffer = new float[100_000];
        for (var call = 0; ; call++)
        {
            try
            {
                group.AllReduce(buffer, ReduceOperation.Sum);
            }
            catch (CollectiveException failed)
            {
                return failed.Failure;
            }

            if (call == 20)
                running.Signal();
        }
    }
}
