using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Detection;

namespace TrainMover.Domain.Tests;

public sealed class FindingTests
{
    private readonly Ledger _ledger = Ledger.WithRunningJob();

    [Fact]
    public void A_finding_is_raised_with_all_that_it_says()
    {
        var raised = Raise(Finding("a", Severity.Replace)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.InterruptionId, raised.Kind, raised.Cause, raised.Severity, raised.Reason, raised.Detector, raised.FaultMonotonicNs)
            .ShouldBe(("a", InterruptionKind.Expected, InterruptionCause.ErrorCode, Severity.Replace, "reason", "policy-0", 7L));
        raised.Machines.ShouldBe(["m1"]);
        raised.Evidence.ShouldBe([new Evidence("/s", "1", "seen")]);
    }

    [Fact]
    public void What_is_asked_for_already_is_not_raised_again_and_what_is_graver_is()
    {
        Raise(Finding("a", Severity.Reattempt)).Count.ShouldBe(1);
        Raise(Finding("b", Severity.Reattempt)).ShouldBeEmpty();
        Raise(Finding("c", Severity.Restart)).Count.ShouldBe(1);
        Raise(Finding("d", Severity.Replace)).Count.ShouldBe(1);
        Raise(Finding("e", Severity.Replace) with { Cause = InterruptionCause.LinkError }).ShouldBeEmpty();
        Raise(Finding("f", Severity.Replace) with { MachineId = "m2" }).Count.ShouldBe(1);
    }

    [Fact]
    public void A_finding_of_a_stopped_job_is_unexpected_and_carries_what_was_ruled_out()
    {
        Raise(Finding("a", Severity.Replace)).Count.ShouldBe(1);
        var stopped = Finding("b", Severity.Replace) with { Kind = InterruptionKind.Unexpected, Cause = InterruptionCause.Hang, RuledOut = ["A slow step: no."] };
        var raised = Raise(stopped).ShouldHaveSingleItem("what goes on until the switch does not answer what has stopped").ShouldBeOfType<InterruptionRaised>();
        (raised.Kind, raised.Cause).ShouldBe((InterruptionKind.Unexpected, InterruptionCause.Hang));
        raised.RuledOut.ShouldBe(["A slow step: no."]);
        Raise(stopped with { InterruptionId = "c" }).ShouldBeEmpty();
    }

    [Fact]
    public void A_machine_that_nobody_announced_is_refused_with_the_known_ones() =>
        Should.Throw<DomainRuleException>(() => Raise(Finding("a", Severity.Replace) with { MachineId = "m9" })).Message.ShouldBe("Machine m9 is unknown. Known: e0, m0, m1, m2, s0.");

    private IReadOnlyList<object> Raise(Finding finding) => _ledger.Append(finding.Raise(_ledger.World));

    private static Finding Finding(string id, Severity severity) => new(id, "m1", InterruptionCause.ErrorCode, severity, "reason", "policy", [new Evidence("/s", "1", "seen")], 7);
}
