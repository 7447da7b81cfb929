using System.Text.Json;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.CommandLine;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>An operator makes workers slow, stops them and lets them go on, and sees which sources are blind.</summary>
public sealed class InjectTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Workers_are_made_slow_stopped_and_continued_from_the_command_line_and_status_names_blind_sources()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 0), environment: new Dictionary<string, string> { ["TRAINMOVER_INJECTION"] = "1" });
        await cluster.TellAsync(new SourceSight("m2", "kernel-log", IsBlind: true, "The file is gone."));
        var slow = Path.Combine(cluster.Deployment.Environment.RunDirectory, "faults", "m1");
        (await InjectAsync(cluster, "slow", "--share", "0.5")).Output.ShouldContain("wastes 50");
        (await File.ReadAllTextAsync(slow)).ShouldBe("0.5");
        (await InjectAsync(cluster, "slow", "--share", "-1")).Error.ShouldContain("--share is a part of the time of each operation");
        (await InjectAsync(cluster, "slow", "--share", "0")).ExitCode.ShouldBe(0);
        File.Exists(slow).ShouldBeFalse();
        (await InjectAsync(cluster, "stuck")).Output.ShouldContain("does not come out of its next operation");
        (await File.ReadAllTextAsync(slow)).ShouldBe("Infinity");
        (await InjectAsync(cluster, "slow", "--share", "0")).ExitCode.ShouldBe(0);

        var worker = cluster.Deployment.Worker("m1")!;
        (await InjectAsync(cluster, "stop")).Output.ShouldContain($"SIGSTOP for worker {worker.Pid} of m1");
        await UntilAsync("the worker to be stopped", () => State(worker.Pid) == 'T');
        (await InjectAsync(cluster, "continue")).Output.ShouldContain("SIGCONT");
        await UntilAsync("the worker to go on", () => State(worker.Pid) != 'T');

        var status = JsonDocument.Parse((await CommandLineProcess.RunAsync(cluster.Home, new Dictionary<string, string>(), "status", "--json")).Output).RootElement;
        var blind = status.GetProperty("blind").EnumerateArray().ShouldHaveSingleItem();
        (blind.GetProperty("source").GetString(), blind.GetProperty("reason").GetString()).ShouldBe(("kernel-log of m2", "The file is gone."));
    }

    private static Task<(int ExitCode, string Output, string Error)> InjectAsync(Cluster cluster, string kind, params string[] more) =>
        CommandLineProcess.RunAsync(cluster.Home, new Dictionary<string, string>(), ["inject", "--machine", "m1", "--kind", kind, .. more]);

    private static char State(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }

    private static async Task UntilAsync(string what, Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!holds())
        {
            if (limit.IsCancellationRequested) throw new TimeoutException($"Waited in vain for {what}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
