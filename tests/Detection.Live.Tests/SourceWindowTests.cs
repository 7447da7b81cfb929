using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Live.Sources;
using TrainMover.Domain.Detection;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detection.Live.Tests;

public sealed class SourceWindowTests
{
    private readonly SourceWindow _window = new(ErrorCodePolicy.Default, new DeviceDetectorOptions());
    private DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private int _messages;

    [Fact]
    public void What_lasts_is_told_once_a_minute_and_what_becomes_graver_at_once()
    {
        var first = Fault("xid-13").ShouldHaveSingleItem();
        first.Severity.ShouldBe(Severity.Restart);
        Fault("xid-13").ShouldHaveSingleItem();
        _window.Told(first, _now);
        Fault("xid-13").ShouldBeEmpty();
        Fault("xid-79").ShouldHaveSingleItem().Severity.ShouldBe(Severity.Replace);
        Pass(TimeSpan.FromSeconds(61));
        Fault("xid-13").ShouldHaveSingleItem();
    }

    [Fact]
    public void Other_settings_have_everything_told_anew()
    {
        _window.Told(Fault("xid-13").ShouldHaveSingleItem(), _now);
        _window.Use(new ErrorCodeSettings(), new DeviceDetectorOptions());
        Fault("xid-13").ShouldHaveSingleItem();
    }

    [Fact]
    public void A_repeated_offender_is_graver_and_how_often_is_tuned_while_it_runs()
    {
        Fault("xid-13").ShouldHaveSingleItem().Severity.ShouldBe(Severity.Restart);
        Pass(TimeSpan.FromMinutes(2));
        Fault("xid-13").ShouldHaveSingleItem().Severity.ShouldBe(Severity.Restart);
        _window.Use(new ErrorCodeSettings { Times = 2 }, new DeviceDetectorOptions());
        Pass(TimeSpan.FromMinutes(2));
        var graver = Fault("xid-13").ShouldHaveSingleItem();
        graver.Severity.ShouldBe(Severity.Replace);
        graver.Reason.ShouldContain("3 times in 1d");
    }

    [Fact]
    public void A_code_that_does_not_come_again_is_over_after_its_quiet_time_and_told_until_it_took_effect()
    {
        Fault("xid-13");
        Pass(TimeSpan.FromMinutes(14));
        _window.Recovered(_now).ShouldBeEmpty();
        Fault("xid-13");
        Pass(TimeSpan.FromMinutes(14));
        _window.Recovered(_now).ShouldBeEmpty();
        Pass(TimeSpan.FromMinutes(1));
        var over = _window.Recovered(_now).ShouldHaveSingleItem();
        (over.Detector, over.MachineId).ShouldBe((DetectorNames.ErrorCodes, "m1"));
        _window.Recovered(_now).ShouldHaveSingleItem();
        _window.Over(over);
        _window.Recovered(_now).ShouldBeEmpty();
    }

    [Fact]
    public void Silence_of_a_source_that_is_blind_lets_nothing_recover_and_counts_from_when_it_sees_again()
    {
        Fault("xid-13");
        Take(new SourceSight("m1", "kernel-log", IsBlind: true, "It cannot be read."));
        _window.Blind.ShouldHaveSingleItem().MachineId.ShouldBe("m1");
        Pass(TimeSpan.FromHours(2));
        _window.Recovered(_now).ShouldBeEmpty();
        Take(new SourceSight("m1", "kernel-log", IsBlind: false, "It is seen again."));
        _window.Blind.ShouldBeEmpty();
        _window.Recovered(_now).ShouldBeEmpty();
        Pass(TimeSpan.FromMinutes(15));
        _window.Recovered(_now).ShouldHaveSingleItem();
    }

    [Fact]
    public void What_a_former_process_raised_is_watched_until_it_is_over()
    {
        _window.Remember([new InterruptionRaised("a", InterruptionKind.Expected, InterruptionCause.ErrorCode, Severity.Restart, ["m2"], "Because.", "error-codes-3", [])], _now);
        Pass(TimeSpan.FromMinutes(15));
        _window.Recovered(_now).ShouldHaveSingleItem().MachineId.ShouldBe("m2");
    }

    [Fact]
    public void A_code_that_nobody_answers_has_nothing_to_recover_from()
    {
        Fault("no-such-code").ShouldBeEmpty();
        Pass(TimeSpan.FromHours(1));
        _window.Recovered(_now).ShouldBeEmpty();
    }

    [Fact]
    public void A_finding_waits_for_others_as_long_as_the_first_one_may_and_until_it_took_effect()
    {
        var (first, second) = (Link("m1"), Link("m2"));
        _window.Held.Hold(first, _now);
        Pass(TimeSpan.FromSeconds(14));
        _window.Held.Hold(second, _now);
        _window.Held.Hold(Link("m1"), _now);
        _window.Due(_now).ShouldBeEmpty();
        Pass(TimeSpan.FromSeconds(1));
        _window.Due(_now).ShouldBe([first, second]);
        _window.Due(_now).Count.ShouldBe(2);
        _window.Held.Done([first, second]);
        _window.Due(_now).ShouldBeEmpty();
    }

    private static Finding Link(string machine) => new($"{machine}-link", machine, InterruptionCause.LinkError, Severity.Replace, "Because.", DetectorNames.Devices, []);

    private void Pass(TimeSpan time) => _now += time;

    private IReadOnlyList<Finding> Fault(string code) => Take(new FaultReported("m1", code));

    private IReadOnlyList<Finding> Take(object body) => _window.Take("/s", $"{++_messages}", body, _now);
}
