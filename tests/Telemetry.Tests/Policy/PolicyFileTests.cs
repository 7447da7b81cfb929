using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Tests.Policy;

public sealed class PolicyFileTests
{
    private const string Rule = "{ class: xid, codes: [13], tier: restart, reason: r }";

    [Theory]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [13], tier: reboot, reason: r }", "p.yaml, line 3: tier 'reboot' is unknown; there are ignore, reattempt, restart, replace.")]
    [InlineData("version: v\nrules:\n  - { class: gpu, codes: [13], tier: restart, reason: r }", "p.yaml, line 3: class 'gpu' is unknown; there are xid, nvlink5, sxid, host, named.")]
    [InlineData($"version: v\nrules:\n  - {Rule}\n  - {Rule}", "p.yaml, line 4: xid 13 has a rule in line 3 already, under the same condition.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [12-14, 13], tier: restart, reason: r }", "p.yaml, line 3: code 13 stands twice in one rule.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [149], tier: restart, reason: r }", "p.yaml, line 3: '149' does not belong to the class xid: 144 to 150 are nvlink5, the others xid.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [x], tier: restart, reason: r }", "p.yaml, line 3: 'x' is neither a code nor a range of codes such as 39-41.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [3-1], tier: restart, reason: r }", "p.yaml, line 3: '3-1' is neither a code nor a range of codes such as 39-41.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [13], tier: restart }", "p.yaml, line 3: reason is missing: an operator will ask for it.")]
    [InlineData("version: v\nrules:\n  - { class: xid, tier: restart, reason: r }", "p.yaml, line 3: codes are missing: list them, or write all.")]
    [InlineData("version: v\nrules:\n  - { class: xid, codes: [13], teir: restart, reason: r }", "p.yaml, line 3: field 'teir' is unknown; there are class, codes, when, tier, reason.")]
    [InlineData("version: v\nrules:\n  - { class: nvlink5, codes: all, when: { advice: pray }, tier: restart, reason: r }", "p.yaml, line 3: advice 'pray' is unknown; there are none, follow-recovery-action, reset.")]
    [InlineData($"rules:\n  - {Rule}", "p.yaml, line 1: version is missing: verdicts are recorded under it.")]
    [InlineData("version: v", "p.yaml, line 1: rules are missing.")]
    [InlineData($"version: v\nrepeat: {{ window: 1 day }}\nrules:\n  - {Rule}", "p.yaml, line 2: window '1 day' is not a duration such as 250ms, 90s, 15m, 24h or 7d.")]
    [InlineData($"version: v\nrepeat: {{ times: 1 }}\nrules:\n  - {Rule}", "p.yaml, line 2: repeat.times is 1; it goes from 2 to 1000.")]
    [InlineData($"version: v\nrepeat: {{ window: 1m, apart: 1h }}\nrules:\n  - {Rule}", "p.yaml, line 2: repeat.apart (01:00:00) lies between zero and repeat.window (00:01:00).")]
    [InlineData("", "p.yaml: a policy is one document with the fields version, repeat and rules.")]
    public void A_policy_that_is_wrong_is_refused_with_line_and_reason(string yaml, string message) =>
        Should.Throw<PolicyException>(() => ErrorCodePolicy.Parse(yaml, "p.yaml")).Message.ShouldBe(message);

    [Fact]
    public void A_text_that_is_no_yaml_is_refused_with_its_line() =>
        Should.Throw<PolicyException>(() => ErrorCodePolicy.Parse("version: v\nrules: [", "p.yaml")).Message.ShouldStartWith("p.yaml, line ");

    [Fact]
    public void A_host_symptom_that_does_not_exist_is_refused_with_those_that_do() =>
        Should.Throw<PolicyException>(() => ErrorCodePolicy.Parse("version: v\nrules:\n  - { class: host, codes: [fire], tier: replace, reason: r }", "p.yaml"))
            .Message.ShouldStartWith("p.yaml, line 3: 'fire' is no host symptom; there are raid-array-failure, ");

    [Fact]
    public void A_file_of_the_users_own_goes_before_the_default_rule_by_rule()
    {
        using var file = new TemporaryFile("version: ours\nrepeat: { times: 5 }\nrules:\n  - { class: xid, codes: [79], tier: ignore, reason: we know this riser }");
        var policy = ErrorCodePolicy.Load(file.Path);
        policy.Judge([Fault("xid-79"), Fault("xid-95")]).Select(verdict => (verdict.Code, verdict.Tier, verdict.PolicyVersion))
            .ShouldBe([("xid-79", PolicyTier.Ignore, "ours+error-codes-1"), ("xid-95", PolicyTier.Replace, "ours+error-codes-1")]);
        policy.Repeat.Times.ShouldBe(5);
    }

    [Fact]
    public void A_file_that_is_absent_is_an_error_and_no_file_means_the_default()
    {
        Should.Throw<PolicyException>(() => ErrorCodePolicy.Load("/nowhere/policy.yaml")).Message.ShouldStartWith("The error-code policy /nowhere/policy.yaml cannot be read: ");
        ErrorCodePolicy.Load(null).ShouldBeSameAs(ErrorCodePolicy.Default);
    }

    private static ObservedFault Fault(string code) => new("m1", code, DateTimeOffset.UnixEpoch, "/test", code);
}
