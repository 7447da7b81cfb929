using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>Trouble of links behind one switch is one interruption, also where the Detector that waited for it died.</summary>
public sealed class SwitchTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_waits_for_others_behind_its_switch_is_raised_after_the_detector_died_and_came_back()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 0), environment: new Dictionary<string, string>
        {
            ["TRAINMOVER_BEHIND"] = "leaf-1",
            ["Devices__Together"] = "00:05:00",
            ["Devices__FlappingTimes"] = "2",
        });
        await cluster.RegisteredAsync();
        foreach (var machine in (string[])["m1", "m2"])
        {
            for (var breaks = 0; breaks < 3; breaks++)
                await cluster.TellAsync(new DeviceMetricsTaken(machine, new DateTimeOffset(2026, 3, 1, 12, 0, breaks, TimeSpan.Zero), [new DeviceMetric("mlx5_0", "link.infiniband.downed", breaks)]));
            await cluster.WaitForAsync<InterruptionHeld>($"the finding of {machine} to wait", held => held.Finding.Machines.Contains(machine), TimeSpan.FromMinutes(1));
        }

        // Nothing is left in the process that waited; the next one waits no longer than its own setting says.
        await cluster.Deployment.KillAsync("detector");
        (await cluster.WorldAsync()).Interruptions.ShouldAllBe(known => known.Status == Domain.Interruptions.InterruptionStatus.Held);
        await cluster.Deployment.StartProcessAsync("detector", new Dictionary<string, string> { ["Devices__Together"] = "00:00:01" });
        var (_, raised) = await cluster.WaitForAsync<InterruptionRaised>("both to be raised together", deadline: TimeSpan.FromMinutes(1));
        raised.Machines.ShouldBe(["m1", "m2"]);
        raised.InterruptionId.ShouldStartWith("leaf-1-m1-link");
        (await cluster.WorldAsync()).Interruptions.Count(known => known.Status == Domain.Interruptions.InterruptionStatus.Suppressed).ShouldBe(2);
    }
}
