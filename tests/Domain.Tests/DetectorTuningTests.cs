using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Interruptions;

namespace TrainMover.Domain.Tests;

public sealed class DetectorTuningTests
{
    private const string Hang = "hang";

    private static readonly DetectorSetting[] Three = [new("Multiple", "3"), new("Slack", "250ms")];
    private static readonly DetectorSetting[] Five = [new("Multiple", "5"), new("Slack", "250ms")];

    private readonly Ledger _ledger = Ledger.WithRunningJob();
    private readonly Detectors _detectors = new(new DetectionOptions());

    [Fact]
    public void Each_change_is_an_event_with_the_next_version_and_no_change_is_none()
    {
        var first = Tune(DetectorMode.Enforce, Three).ShouldHaveSingleItem().ShouldBeOfType<DetectorTuned>();
        (first.Detector, first.Mode, first.Version, first.Who, first.Why).ShouldBe((Hang, DetectorMode.Enforce, 1, "ann", "because"));
        first.Settings.ShouldBe(Three);
        Tune(DetectorMode.Enforce, [.. Three]).ShouldBeEmpty();
        Tune(DetectorMode.Enforce, Five).ShouldHaveSingleItem().ShouldBeOfType<DetectorTuned>().Version.ShouldBe(2);
        Tune(DetectorMode.Off, Five).ShouldHaveSingleItem().ShouldBeOfType<DetectorTuned>().Version.ShouldBe(3);
        _ledger.World.Detector(Hang).ShouldSatisfyAllConditions(now => now.Mode.ShouldBe(DetectorMode.Off), now => now.Settings.ShouldBe(Five), now => now.Version.ShouldBe(3));
    }

    [Fact]
    public void A_change_says_who_makes_it_and_why() =>
        Should.Throw<DomainRuleException>(() => DetectorTuning.Initial.Tune(Hang, DetectorMode.Off, Three, "ann", " ")).Message.ShouldBe("A change of hang says who makes it, and why.");

    [Fact]
    public void What_is_configured_holds_until_an_operator_says_otherwise_and_what_is_fixed_or_new_follows_it_even_then()
    {
        Configure(Three).ShouldHaveSingleItem().ShouldBeOfType<DetectorTuned>().Who.ShouldBe(DetectorTuning.Configuration);
        Configure(Three).ShouldBeEmpty();
        Configure(Five).Count.ShouldBe(1);
        Tune(DetectorMode.LogOnly, [new("Multiple", "7"), new("Slack", "250ms")]);
        Configure(Three).ShouldBeEmpty();

        var grown = Configure([new("Multiple", "3"), new("New", "1"), new("Slack", "1s")], setting => setting == "Slack").ShouldHaveSingleItem().ShouldBeOfType<DetectorTuned>();
        grown.Mode.ShouldBe(DetectorMode.LogOnly);
        grown.Settings.ShouldBe([new("Multiple", "7"), new("New", "1"), new("Slack", "1s")]);
        Configure([new("Multiple", "3"), new("New", "2"), new("Slack", "1s")], setting => setting == "Slack").ShouldBeEmpty();
    }

    [Fact]
    public void Findings_are_raised_recorded_or_dropped_as_the_mode_says_under_the_version_that_judged()
    {
        Found("a").ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Detector.ShouldBe("hang-0");
        Tune(DetectorMode.LogOnly, Three);
        var suppressed = Found("b").ShouldHaveSingleItem().ShouldBeOfType<InterruptionSuppressed>();
        (suppressed.InterruptionId, suppressed.Finding.Detector, suppressed.Reason).ShouldBe(("b", "hang-1", "hang only logs since version 1 of its settings."));
        Found("b").ShouldBeEmpty();
        Tune(DetectorMode.Off, Three);
        Found("c").ShouldBeEmpty();
        Tune(DetectorMode.Enforce, Three);
        Found("b").ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Detector.ShouldBe("hang-3");
    }

    [Fact]
    public void Nobody_plans_for_what_is_suppressed_and_it_recovers_like_any_other()
    {
        Tune(DetectorMode.LogOnly, Three);
        Found("a").Count.ShouldBe(1);
        _ledger.Plan().ShouldBeEmpty();
        _ledger.Append(new Decision(_ledger.World).OnInterruption("a", state => state.Resolve("gpt-g2"))).ShouldBeEmpty();
        _ledger.Append(new Decision(_ledger.World).OnInterruption("a", state => state.Recover("over"))).ShouldBe([new InterruptionRecovered("a", "over")]);
        _ledger.World.Interruption("a").Status.ShouldBe(InterruptionStatus.Recovered);
    }

    [Fact]
    public void A_finding_that_is_only_recorded_is_recorded_once_and_hides_none_that_is_raised()
    {
        _ledger.Append(new Decision(_ledger.World).OnDetector("devices", state => state.Tune("devices", DetectorMode.LogOnly, [], "ann", "because")));
        Raise("a").ShouldHaveSingleItem().ShouldBeOfType<InterruptionSuppressed>();
        Raise("b").ShouldBeEmpty();
        _ledger.Append(new Decision(_ledger.World).OnDetector("devices", state => state.Tune("devices", DetectorMode.Enforce, [], "ann", "because")));
        Raise("c").ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
    }

    [Fact]
    public void A_lost_machine_is_looked_at_again_after_its_detector_was_paused()
    {
        _ledger.Append(new Decision(_ledger.World).OnDetector(DetectorNames.AgentLoss, state => state.Tune(DetectorNames.AgentLoss, DetectorMode.Off, [], "ann", "because")));
        _ledger.Append(_detectors.Observe(_ledger.World, new Observation("/agent-m1", "1", new Heartbeat("m1", 77, 1)), _ledger.Now));
        _ledger.Now += TimeSpan.FromSeconds(9);
        _detectors.Listened(_ledger.Now);
        _ledger.Append(_detectors.Tick(_ledger.World, _ledger.Now)).ShouldBeEmpty();
        _detectors.IsDue(_ledger.Now).ShouldBeFalse();

        _ledger.Append(new Decision(_ledger.World).OnDetector(DetectorNames.AgentLoss, state => state.Tune(DetectorNames.AgentLoss, DetectorMode.Enforce, [], "ann", "because")));
        _detectors.Use(new DetectionOptions());
        _detectors.IsDue(_ledger.Now).ShouldBeTrue();
        _ledger.Append(_detectors.Tick(_ledger.World, _ledger.Now)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Detector.ShouldBe("agent-loss-2");
    }

    [Theory]
    [InlineData("hang-2", "hang", 2)]
    [InlineData("peer-slowdown-14", "peer-slowdown", 14)]
    [InlineData("rack-power", "rack-power", 0)]
    [InlineData("mine", "mine", 0)]
    public void The_detector_of_an_interruption_names_detector_and_version(string judge, string detector, int version) =>
        DetectorTuning.Split(judge).ShouldBe((detector, version));

    private IReadOnlyList<object> Tune(DetectorMode mode, IReadOnlyList<DetectorSetting> settings) =>
        _ledger.Append(new Decision(_ledger.World).OnDetector(Hang, state => state.Tune(Hang, mode, settings, "ann", "because")));

    private IReadOnlyList<object> Configure(IReadOnlyList<DetectorSetting> settings, Func<string, bool>? isFixed = null) =>
        _ledger.Append(new Decision(_ledger.World).OnDetector(Hang, state => state.Configure(Hang, DetectorMode.Enforce, settings, isFixed ?? (_ => false))));

    private IReadOnlyList<object> Found(string id) => _ledger.Append(new Decision(_ledger.World).Found(
        Hang, new InterruptionRaised(id, InterruptionKind.Unexpected, InterruptionCause.WorkerUnreachable, Severity.Replace, ["m1"], "Because.", Hang, [])));

    private IReadOnlyList<object> Raise(string id) =>
        _ledger.Append(new Finding(id, "m1", InterruptionCause.ThermalThrottle, Severity.Replace, "Because.", "devices", []).Raise(_ledger.World));
}
