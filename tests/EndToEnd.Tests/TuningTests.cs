using System.Text.Json;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.CommandLine;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>Detectors are paused and tuned while they run, with a record, and judge by it after a restart as well.</summary>
public sealed class TuningTests(PostgresFixture postgres)
{
    private int _exports;

    [Fact]
    public async Task A_detector_is_tuned_from_the_command_line_while_it_runs_and_keeps_it_over_a_restart()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 0), environment: new Dictionary<string, string> { ["Devices__BusyFrom"] = "60" });
        foreach (var machine in cluster.Deployment.Environment.Machines)
            await cluster.WaitForAsync<MachineRegistered>($"{machine.Id} to be registered", registered => registered.MachineId == machine.Id);
        var (_, configured) = await cluster.WaitForAsync<DetectorTuned>("the configuration to be recorded", tuned => tuned.Detector == "devices");
        (configured.Mode, configured.Version, configured.Who, configured.Settings.Single(setting => setting.Name == "BusyFrom").Value).ShouldBe((DetectorMode.Enforce, 1, "configuration", "60"));

        var refused = await CliAsync(cluster, "detectors", "devices", "--set", "FlappingTimes=1", "--why", "try");
        (refused.ExitCode, refused.Output, refused.Error.Trim()).ShouldBe((2, "", "trainmover: devices: FlappingTimes is 1; it is at least 2. Nothing is changed."));
        (await CliAsync(cluster, "detectors", "devices", "--mode", "off")).Error.ShouldContain("--why");

        // What is set takes effect in the process that runs: after three breaks nothing is found, and with two breaks as the limit something is, and only recorded.
        await BreakLinksAsync(cluster, "m1", 2);
        var tuned = await CliAsync(cluster, "detectors", "devices", "--mode", "log-only", "--set", "FlappingTimes=2", "--why", "links of this rack are new");
        (tuned.ExitCode, tuned.Error).ShouldBe((0, ""));
        tuned.Output.ShouldContain("links of this rack are new");
        await BreakLinksUntilAsync<InterruptionSuppressed>(cluster, "m1", one => one.Finding.Machines.Contains("m1"));
        var world = await cluster.WorldAsync();
        world.Interruptions.ShouldHaveSingleItem().Raised!.Detector.ShouldBe("devices-2");
        var why = JsonDocument.Parse((await CliAsync(cluster, "why", "--json")).Output).RootElement;
        (why.GetProperty("status").GetString(), why.GetProperty("cause").GetString(), why.GetProperty("samples").GetArrayLength()).ShouldBe(("suppressed", "link-error", 2));
        var judge = why.GetProperty("detector");
        (judge.GetProperty("name").GetString(), judge.GetProperty("mode").GetString(), judge.GetProperty("version").GetInt32(), judge.GetProperty("settings").GetProperty("FlappingTimes").GetString(),
            judge.GetProperty("why").GetString()).ShouldBe(("devices", "log-only", 2, "2", "links of this rack are new"));
        why.GetProperty("ledTo")[0].GetProperty("detail").GetString().ShouldBe("devices only logs since version 2 of its settings.");
        var table = await CliAsync(cluster, "why", why.GetProperty("interruptionId").GetString()!);
        (table.ExitCode, table.Error).ShouldBe((0, ""));
        table.Output.ShouldContain("devices, log-only, version 2 of its settings");
        (await CliAsync(cluster, "why", "nothing-like-it")).ExitCode.ShouldBe(2);

        await cluster.Deployment.KillAsync("detector");
        await cluster.Deployment.StartProcessAsync("detector");
        await BreakLinksAsync(cluster, "m2", 2);
        var (_, again) = await cluster.WaitForAsync<InterruptionSuppressed>("m2 to be found under the same settings", one => one.Finding.Machines.Contains("m2"));
        again.Finding.Detector.ShouldBe("devices-2");

        (await CliAsync(cluster, "detectors", "devices", "--mode", "enforce", "--why", "they are sound")).ExitCode.ShouldBe(0);
        await BreakLinksUntilAsync<InterruptionRaised>(cluster, "m2", one => one.Machines.Contains("m2") && one.Detector == "devices-3");
        var listed = JsonDocument.Parse((await CliAsync(cluster, "detectors", "devices", "--json")).Output).RootElement;
        (listed.GetProperty("mode").GetString(), listed.GetProperty("version").GetInt32(), listed.GetProperty("raised").GetInt32(), listed.GetProperty("suppressed").GetInt32(),
            listed.GetProperty("settings").GetProperty("FlappingTimes").GetString(), listed.GetProperty("changes").GetArrayLength()).ShouldBe(("enforce", 3, 1, 2, "2", 3));
    }

    private async Task BreakLinksAsync(Cluster cluster, string machine, int times)
    {
        for (var time = 0; time <= times; time++) await cluster.TellAsync(Counter(machine, time));
    }

    // Settings take effect a moment after they are recorded.
    private async Task BreakLinksUntilAsync<T>(Cluster cluster, string machine, Func<T, bool> which)
        where T : class
    {
        var found = cluster.WaitForAsync(typeof(T).Name, which);
        for (var time = 3; !found.IsCompleted && time < 300; time++)
        {
            await cluster.TellAsync(Counter(machine, time));
            await Task.WhenAny(found, Task.Delay(100));
        }

        await found;
    }

    private DeviceMetricsTaken Counter(string machine, int breaks) =>
        new(machine, new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero).AddMilliseconds(++_exports), [new DeviceMetric("mlx5_0", "link.infiniband.downed", breaks)]);

    private static Task<(int ExitCode, string Output, string Error)> CliAsync(Cluster cluster, params string[] arguments) => CommandLineProcess.RunAsync(
        cluster.Deployment.Environment.RunDirectory, new Dictionary<string, string>
        {
            ["TRAINMOVER_POSTGRES"] = cluster.Deployment.Environment.Postgres,
            ["TRAINMOVER_SCHEMA"] = cluster.Deployment.Environment.Schema,
            ["TRAINMOVER_KAFKA"] = cluster.Deployment.Environment.Kafka,
        }, arguments);
}
