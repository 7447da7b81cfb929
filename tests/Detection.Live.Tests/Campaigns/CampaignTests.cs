using System.Globalization;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns;
using TrainMover.Detection.Campaigns.Fleet;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Detection.Campaigns.Scoring;
using TrainMover.Detection.Campaigns.Watching;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Live.Tests.Campaigns;

public sealed class CampaignTests
{
    private const ulong Seed = 7;
    private const int Runs = 2;

    private static readonly CampaignManifest Manifest = CampaignManifest.Draw(Seed, Runs, healthy: 1, TimeSpan.FromMinutes(20));

    public static TheoryData<FaultType> WithoutModel => [.. Enum.GetValues<FaultType>().Where(type => type != FaultType.MetricAnomaly)];

    [Theory]
    [MemberData(nameof(WithoutModel))]
    public void Every_fault_is_found_and_nothing_else_is_raised(FaultType type)
    {
        var result = Campaign.Run(Manifest with { Runs = [.. Manifest.Runs.Where(run => run.Fault?.Type == type)] }, model: null);
        result.FalseAlarms.ShouldBeEmpty();
        var score = result.Types.ShouldHaveSingleItem();
        (score.Kind.Type, score.Runs, score.Found).ShouldBe((type, Runs, score.Kind.IsFault ? Runs : 0));
        score.Missed.ShouldBeEmpty();
        score.Delays.ShouldAllBe(delay => delay > TimeSpan.Zero);
    }

    [Fact]
    public void A_machine_whose_metrics_are_not_normal_is_found_by_a_model_of_its_class()
    {
        var (metrics, samples) = SimulatedFleet.Normal(Seed, 2, TimeSpan.FromHours(12));
        var model = MetricTraining.Train(Campaign.MachineClass, metrics, samples);
        model = model.WithThreshold(model.ThresholdFor(0, 1));
        var result = Campaign.Run(Manifest with { Runs = [.. Manifest.Runs.Where(run => run.Fault?.Type == FaultType.MetricAnomaly)] }, new VersionedModel("1", model));
        result.Types.ShouldHaveSingleItem().Found.ShouldBe(Runs);
        result.FalseAlarms.ShouldBeEmpty();
    }

    [Fact]
    public void A_healthy_fleet_raises_nothing_through_hiccups_and_an_outage_of_the_broker()
    {
        var result = Campaign.Run(Manifest with { Runs = [.. Manifest.Runs.Where(run => run.Fault is null)] }, model: null);
        (result.HealthyRuns, result.HealthyAlarms.Count, result.FalseAlarms.Count).ShouldBe((1, 0, 0));
        result.HealthyMachineDays.ShouldBe(Manifest.Runs[^1].Machines.Count * 20 / 1440.0, 1e-9);
        Manifest.Runs[^1].Outage.To.ShouldBeGreaterThan(Manifest.Runs[^1].Outage.From);
    }

    [Fact]
    public void Everything_follows_from_the_seed()
    {
        var again = CampaignManifest.Draw(Seed, Runs, healthy: 1, TimeSpan.FromMinutes(20));
        again.Runs.Select(Told).ShouldBe(Manifest.Runs.Select(Told));
        SimulatedFleet.Messages(again.Runs[0]).Select(Told).ShouldBe(SimulatedFleet.Messages(Manifest.Runs[0]).Select(Told));
        CampaignManifest.Draw(Seed + 1, Runs, healthy: 1, TimeSpan.FromMinutes(20)).Runs.Select(Told).ShouldNotBe(Manifest.Runs.Select(Told));
    }

    [Fact]
    public void Further_runs_leave_those_before_them_as_they_were()
    {
        var more = CampaignManifest.Draw(Seed, Runs + 1, healthy: 0, TimeSpan.FromMinutes(20));
        var one = more.Runs.First(run => run.Fault?.Type == FaultType.SlowWorker);
        Told(one with { Number = 0 }).ShouldBe(Told(Manifest.Runs.First(run => run.Fault?.Type == FaultType.SlowWorker) with { Number = 0 }));
    }

    [Fact]
    public void Messages_arrive_in_order_and_each_has_an_id_of_its_own()
    {
        var messages = SimulatedFleet.Messages(Manifest.Runs[0]).ToList();
        messages.Zip(messages.Skip(1)).ShouldAllBe(pair => pair.First.At <= pair.Second.At);
        messages.Select(message => (message.Source, message.Id)).Distinct().Count().ShouldBe(messages.Count);
        messages.Select(message => message.Body.GetType()).Distinct().ShouldBeSubsetOf(
            [typeof(Heartbeat), typeof(StepCompleted), typeof(RankWaiting), typeof(DeviceMetricsTaken), typeof(PeerUnreachable), typeof(WorkerExited), typeof(KernelFaultSeen)]);
    }

    [Theory]
    [InlineData("m01", 61, Severity.Replace, InterruptionCause.WorkerDeath, true, 0)]
    [InlineData("m01", 62, Severity.Replace, InterruptionCause.WorkerDeath, false, 0)]
    [InlineData("m01", 59, Severity.Replace, InterruptionCause.WorkerDeath, false, 1)]
    [InlineData("m02", 61, Severity.Replace, InterruptionCause.WorkerDeath, false, 1)]
    [InlineData("m01", 61, Severity.Restart, InterruptionCause.WorkerDeath, false, 0)]
    [InlineData("m01", 61, Severity.Replace, InterruptionCause.SlowWorker, false, 1)]
    public void A_fault_is_found_where_machine_cause_and_remedy_are_right_in_time(string machine, int at, Severity severity, InterruptionCause cause, bool isFound, int falseAlarms)
    {
        var fault = new PlannedFault(FaultType.WorkerDeath, ["m01"], TimeSpan.FromMinutes(1), TimeSpan.FromDays(1), 0, 0);
        var run = new PlannedRun(0, 1, 4, 1, 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2), fault);
        var alarm = new Alarm(TimeSpan.FromSeconds(at), new InterruptionRaised("a", InterruptionKind.Unexpected, cause, severity, [machine], "Because.", "d-1", []), OnlyRecorded: false);
        var score = RunScore.Of(run, new Seen([alarm], [], []));
        (score.Found is not null, score.FalseAlarms.Count, score.Delay).ShouldBe((isFound, falseAlarms, isFound ? TimeSpan.FromSeconds(1) : null));
    }

    [Fact]
    public void What_is_no_fault_makes_no_alarm_true()
    {
        var skew = new PlannedFault(FaultType.DataSkew, ["m00", "m01", "m02", "m03"], TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), 0.2, 0);
        var run = new PlannedRun(0, 1, 4, 1, 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(9), skew);
        var alarm = new Alarm(TimeSpan.FromMinutes(2), new InterruptionRaised("a", InterruptionKind.Expected, InterruptionCause.SlowWorker, Severity.Replace, ["m01"], "Because.", "d-1", []), OnlyRecorded: false);
        RunScore.Of(run, new Seen([alarm], [], [])).FalseAlarms.ShouldHaveSingleItem();
    }

    private static string Told(PlannedRun run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{run.Number} {run.Seed} {run.Replicas}x{run.Stages} {run.Step} {run.Duration} {run.Outage} {run.Fault?.Type} {string.Join(',', run.Fault?.Machines ?? [])} {run.Fault?.Onset} {run.Fault?.Length} {run.Fault?.Strength:R} {run.Fault?.Variant}");

    private static string Told(Message message) => $"{message.At} {message.Source} {message.Id} {System.Text.Json.JsonSerializer.Serialize(message.Body, Contracts.Catalog.Json)}";
}
