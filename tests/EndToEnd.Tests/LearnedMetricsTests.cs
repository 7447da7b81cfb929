using System.Globalization;
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

/// <summary>A model is trained from the command line, and judges the metrics of a running fleet: it logs what it finds, says why, and acts only when it is told to.</summary>
public sealed class LearnedMetricsTests(PostgresFixture postgres)
{
    private static readonly string[] Names = ["load", "cpu", "memory", "disk", "network"];
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Random _random = new(1);
    private int _minute;

    [Fact]
    public async Task A_model_trained_from_files_logs_metrics_that_are_not_normal_with_those_that_explain_it_until_they_are_normal_again()
    {
        var folder = Directory.CreateTempSubdirectory("trainmover-models-").FullName;
        var (data, models) = (Path.Combine(folder, "normal.csv"), Path.Combine(folder, "models"));
        await File.WriteAllLinesAsync(data, Enumerable.Range(0, 1200).Select(minute => string.Join(',', Values(minute).Select(value => value.ToString(CultureInfo.InvariantCulture)))));
        await File.WriteAllTextAsync(Path.Combine(folder, "metric_names.txt"), string.Join('\n', Names));
        var trained = await CommandLineProcess.RunAsync(folder, new Dictionary<string, string>(), "train-detector", "--machine-class", "server", "--data", data, "--interval", "60s", "--out", models, "--json");
        trained.ExitCode.ShouldBe(0, trained.Error);
        var version = JsonDocument.Parse(trained.Output).RootElement.GetProperty("version").GetString()!;
        await File.WriteAllTextAsync(Path.Combine(models, "torn-0123456789ab.json"), "{");

        await using var cluster = await Cluster.StartAsync(
            postgres, MachineSetup.Fleet(2, 0, 0), environment: new Dictionary<string, string> { ["TRAINMOVER_MODELS"] = models, ["Detectors__learned_metrics__Classes"] = "m*=server", ["Detectors__learned_metrics__Scale"] = "1.5" });
        (await File.ReadAllTextAsync(cluster.Deployment.Process("detector").LogFile)).ShouldContain("torn-0123456789ab.json does not hold the model that its name says");
        await cluster.WaitForAsync<MachineRegistered>("m1 to be registered", registered => registered.MachineId == "m1");
        var (_, configured) = await cluster.WaitForAsync<DetectorTuned>("the configuration to be recorded", tuned => tuned.Detector == "learned-metrics");
        (configured.Mode, configured.Settings.Single(setting => setting.Name == "Models").Value).ShouldBe((DetectorMode.LogOnly, version));

        await TellAsync(cluster, 40, ill: false);
        await TellAsync(cluster, 10, ill: true);
        var (_, suppressed) = await cluster.WaitForAsync<InterruptionSuppressed>("m1 to be found", one => one.Finding.Machines.Contains("m1"));
        var finding = suppressed.Finding;
        (finding.Cause, finding.Detector, suppressed.Reason).ShouldBe((InterruptionCause.MetricAnomaly, "learned-metrics-1", "learned-metrics only logs since version 1 of its settings."));
        finding.Reason.ShouldContain($"(model {version}), most of all disk (");
        finding.Evidence[0].Observation.ShouldContain("threshold ");
        finding.Evidence[1].Observation.ShouldStartWith("disk: ");

        await TellAsync(cluster, 60, ill: false);
        var (_, recovered) = await cluster.WaitForAsync<InterruptionRecovered>("m1 to be normal again", one => one.InterruptionId == finding.InterruptionId);
        recovered.Reason.ShouldBe($"The metrics of m1 have been normal for 30 samples (model {version}).");
        (await cluster.WorldAsync()).Interruptions.ShouldHaveSingleItem();
        Directory.Delete(folder, recursive: true);
    }

    private async Task TellAsync(Cluster cluster, int samples, bool ill)
    {
        for (var sample = 0; sample < samples; sample++, _minute++)
        {
            var values = Values(_minute);
            if (ill) values[3] += 6;
            await cluster.TellAsync(new DeviceMetricsTaken("m1", Start.AddMinutes(_minute), [.. Names.Zip(values, (name, value) => new DeviceMetric("", name, value))]));
        }
    }

    // All metrics follow one load; each has a little noise of its own.
    private double[] Values(int minute) => [.. Enumerable.Range(0, Names.Length).Select(metric => (Math.Sin(minute / 20.0) * (metric + 1) / 3) + (_random.NextDouble() * 0.1))];
}
