using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Fleet;

namespace TrainMover.Domain.Tests;

public sealed class CommonCauseTests
{
    private readonly Ledger _ledger = Ledger.WithRunningJob();

    public CommonCauseTests()
    {
        foreach (var machine in (string[])["m0", "m1", "s0"]) Place(machine, "leaf-3");
        Place("m2", "leaf-4");
    }

    [Fact]
    public void A_dead_switch_is_one_interruption_with_many_machines()
    {
        var raised = Raise(Finding("m1"), Finding("m0", Severity.Reattempt), Finding("m1"), Finding("m2")).Cast<InterruptionRaised>().ToList();
        raised.Count.ShouldBe(2);
        (raised[0].InterruptionId, raised[0].Severity).ShouldBe(("leaf-3-m0-link-error", Severity.Replace));
        raised[0].Machines.ShouldBe(["m0", "m1"]);
        raised[0].Evidence.Count.ShouldBe(2);
        raised[0].Reason.ShouldBe("2 machines behind leaf-3 have trouble with their links at once (m0, m1): what they share is the likely cause. Link of m0.");
        raised[0].RuledOut!.ShouldHaveSingleItem();
        raised[1].Machines.ShouldBe(["m2"]);
        Raise(Finding("m0"), Finding("m1")).ShouldBeEmpty();
    }

    [Fact]
    public void Only_trouble_of_links_of_machines_that_share_something_waits_for_others()
    {
        CommonCause.IsShared(_ledger.World, Finding("m0")).ShouldBeTrue();
        CommonCause.IsShared(_ledger.World, Finding("m2")).ShouldBeFalse();
        CommonCause.IsShared(_ledger.World, Finding("e0")).ShouldBeFalse();
        CommonCause.IsShared(_ledger.World, Finding("m0") with { Cause = InterruptionCause.ThermalThrottle }).ShouldBeFalse();
    }

    [Fact]
    public void What_waits_is_in_the_log_and_what_was_waiting_is_raised_by_whoever_comes_next()
    {
        foreach (var finding in new[] { Finding("m0"), Finding("m1"), Finding("m2") })
        {
            var held = _ledger.Append(CommonCause.Hold(_ledger.World, finding)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionHeld>();
            (held.InterruptionId, held.Finding.Detector, held.Finding.Machines[0]).ShouldBe((finding.InterruptionId, "devices-0", finding.MachineId));
            _ledger.Append(CommonCause.Hold(_ledger.World, finding)).ShouldBeEmpty();
        }

        _ledger.Plan().OfType<MigrationPlanned>().ShouldBeEmpty();
        var waiting = CommonCause.Held(_ledger.World);
        waiting.Select(finding => (finding.InterruptionId, finding.MachineId, finding.Detector)).ShouldBe([("m0-link-error", "m0", "devices"), ("m1-link-error", "m1", "devices"), ("m2-link-error", "m2", "devices")]);
        var released = _ledger.Append(CommonCause.Raise(_ledger.World, waiting));
        released.OfType<InterruptionSuppressed>().Select(one => (one.InterruptionId, one.Reason)).ShouldBe([
            ("m0-link-error", "It is raised together with others behind leaf-3, as leaf-3-m0-link-error."), ("m1-link-error", "It is raised together with others behind leaf-3, as leaf-3-m0-link-error.")]);
        released.OfType<InterruptionRaised>().Select(one => one.InterruptionId).ShouldBe(["leaf-3-m0-link-error", "m2-link-error"]);
        released.Count.ShouldBe(4);
        CommonCause.Held(_ledger.World).ShouldBeEmpty();
    }

    [Fact]
    public void What_waited_and_is_asked_for_already_ends_without_being_raised()
    {
        _ledger.Append(CommonCause.Hold(_ledger.World, Finding("m0")));
        _ledger.Raise("by-hand", InterruptionKind.Expected, "m0");
        _ledger.Append(CommonCause.Raise(_ledger.World, CommonCause.Held(_ledger.World))).ShouldHaveSingleItem().ShouldBeOfType<InterruptionSuppressed>().Reason
            .ShouldBe("Another interruption asks for as much already, or the detector is off.");
        CommonCause.Held(_ledger.World).ShouldBeEmpty();
    }

    [Fact]
    public void As_many_machines_move_as_there_are_joiners_and_the_rest_with_the_next_plan()
    {
        Raise(Finding("m0"), Finding("m1"), Finding("s0"));
        var plan = _ledger.Plan().OfType<MigrationPlanned>().ShouldHaveSingleItem().Plan;
        plan.Moves.Select(move => (move.Leaver, move.Joiner)).ShouldBe([("m0", "e0")]);
        plan.Candidates.Single(candidate => candidate.MachineId == "s0").Why.ShouldBe("it is interrupted itself");

        Complete(plan);
        _ledger.Append(Detectors.Resolve(_ledger.World)).ShouldBeEmpty();
        _ledger.Announce("e1", MachineRole.Elastic, 4000);
        var next = _ledger.Events.OfType<MigrationPlanned>().Last().Plan;
        next.Moves.Select(move => (move.Leaver, move.Joiner)).ShouldBe([("m1", "e1")]);

        Complete(next);
        _ledger.Append(Detectors.Resolve(_ledger.World)).ShouldHaveSingleItem().ShouldBe(new InterruptionResolved("leaf-3-m0-link-error", next.MigrationId));
        _ledger.Plan().OfType<MigrationPlanned>().ShouldBeEmpty();
    }

    private void Complete(MigrationPlan plan)
    {
        var stream = $"migration-{plan.MigrationId}";
        _ledger.World.Apply(stream, _ledger.World.VersionOf(stream) + 1, new MigrationCompleted(plan.MigrationId, "gpt", 1, 0, new(0, 0, 0, 0), 0, 0)).ShouldBeTrue();
        _ledger.Plan();
    }

    private void Place(string machine, string behind) => _ledger.Append(new Decision(_ledger.World).OnMachine(machine, state => [new MachineRegistered(machine, state.Role, state.Host, state.Port, behind)])).Count.ShouldBe(1);

    private IReadOnlyList<object> Raise(params Finding[] findings) => _ledger.Append(CommonCause.Raise(_ledger.World, findings));

    private static Finding Finding(string machine, Severity severity = Severity.Replace) =>
        new($"{machine}-link-error", machine, InterruptionCause.LinkError, severity, $"Link of {machine}.", "devices", [new Evidence("/s", machine, "seen")]);
}
