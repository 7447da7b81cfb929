using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Tests.Policy;

public sealed class JudgementTests
{
    private static readonly ErrorCodePolicy Policy = ErrorCodePolicy.Parse(
        """
        version: p1
        repeat: { window: 1h, apart: 60s, times: 3 }
        rules:
          - { class: xid, codes: [13], tier: restart, reason: an engine gave up }
          - { class: xid, codes: [63], tier: reattempt, reason: rows are remapped }
          - { class: xid, codes: [43], tier: ignore, reason: of the process }
        """, "p1.yaml");

    [Theory]
    [InlineData("xid-13", 1, PolicyTier.Restart)]
    [InlineData("xid-13", 2, PolicyTier.Restart)]
    [InlineData("xid-13", 3, PolicyTier.Replace)]
    [InlineData("xid-13", 99, PolicyTier.Replace)]
    [InlineData("xid-63", 3, PolicyTier.Restart)]
    [InlineData("xid-63", 6, PolicyTier.Replace)]
    [InlineData("xid-43", 99, PolicyTier.Ignore)]
    public void Repetition_on_one_device_raises_the_tier(string code, int times, PolicyTier tier)
    {
        // As many as fit into the window: the last hour of them counts.
        var faults = Enumerable.Range(0, times).Select(i => Fault(code, TimeSpan.FromSeconds(61 * i), $"{i:000}")).ToList();
        Policy.Judge(faults).ShouldHaveSingleItem().Tier.ShouldBe(tier);
    }

    [Fact]
    public void A_verdict_says_why_under_which_policy_and_on_what()
    {
        var faults = Enumerable.Range(0, 3).Select(i => Fault("xid-13", TimeSpan.FromMinutes(10 * i), $"{i}")).ToList();
        var verdict = Policy.Judge(faults.AsEnumerable().Reverse()).ShouldHaveSingleItem();
        (verdict.MachineId, verdict.Code, verdict.Device, verdict.Tier, verdict.RuleTier, verdict.Occurrences, verdict.PolicyVersion)
            .ShouldBe(("m1", "xid-13", "0000:05:00", PolicyTier.Replace, PolicyTier.Restart, 3, "p1"));
        verdict.Reason.ShouldBe("m1 (0000:05:00) reported xid-13: an engine gave up; 3 times in 1h, so replace instead of restart.");
        verdict.Evidence.ShouldBe(faults);
    }

    [Fact]
    public void A_burst_is_one_occurrence_however_long_it_lasts() =>
        Policy.Judge(Enumerable.Range(0, 50).Select(i => Fault("xid-13", TimeSpan.FromSeconds(30 * i), $"{i}"))).ShouldHaveSingleItem().Occurrences.ShouldBe(1);

    [Fact]
    public void What_is_older_than_the_window_is_forgotten()
    {
        var verdict = Policy.Judge([Fault("xid-13", TimeSpan.Zero, "old"), Fault("xid-13", TimeSpan.FromMinutes(70), "a"), Fault("xid-13", TimeSpan.FromMinutes(90), "b")]).ShouldHaveSingleItem();
        (verdict.Occurrences, verdict.Tier).ShouldBe((2, PolicyTier.Restart));
        verdict.Evidence.Select(fault => fault.Id).ShouldBe(["a", "b"]);
    }

    [Fact]
    public void Details_are_evidence_and_no_occurrences()
    {
        var faults = Enumerable.Range(0, 5).Select(i => Fault("xid-13", TimeSpan.FromMinutes(5 * i), $"{i}") with { IsDetail = i > 0 });
        var verdict = Policy.Judge(faults).ShouldHaveSingleItem();
        (verdict.Occurrences, verdict.Tier, verdict.Evidence.Count).ShouldBe((1, PolicyTier.Restart, 5));
    }

    [Fact]
    public void Devices_and_machines_are_judged_apart()
    {
        var faults = Enumerable.Range(0, 3).Select(i => Fault("xid-13", TimeSpan.FromMinutes(5 * i), $"{i}") with { Device = $"0000:0{i}:00" }).Append(Fault("xid-13", TimeSpan.Zero, "x") with { MachineId = "m0" });
        Policy.Judge(faults).Select(verdict => (verdict.MachineId, verdict.Device, verdict.Tier)).ShouldBe(
        [
            ("m0", "0000:05:00", PolicyTier.Restart), ("m1", "0000:00:00", PolicyTier.Restart), ("m1", "0000:01:00", PolicyTier.Restart), ("m1", "0000:02:00", PolicyTier.Restart),
        ]);
    }

    [Fact]
    public void A_policy_may_raise_what_it_ignores() =>
        (Policy with { Repeat = Policy.Repeat with { RaisesIgnored = true } }).Judge(Enumerable.Range(0, 3).Select(i => Fault("xid-43", TimeSpan.FromMinutes(5 * i), $"{i}")))
            .ShouldHaveSingleItem().Tier.ShouldBe(PolicyTier.Reattempt);

    [Fact]
    public void No_rule_means_that_nothing_follows()
    {
        var verdict = Policy.Judge([Fault("xid-79", TimeSpan.Zero, "1")]).ShouldHaveSingleItem();
        (verdict.Tier, verdict.Reason).ShouldBe((PolicyTier.Ignore, "m1 (0000:05:00) reported xid-79: no rule names this code."));
    }

    private static ObservedFault Fault(string code, TimeSpan at, string id) => new("m1", code, DateTimeOffset.UnixEpoch + at, "/test", id) { Device = "0000:05:00" };
}
