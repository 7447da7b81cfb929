using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Detection;

namespace TrainMover.Domain.Tests;

public sealed class DetectionTests
{
    private readonly Ledger _ledger = Ledger.WithRunningJob();
    private readonly Detectors _detectors = new(new DetectionOptions());
    private int _messages;

    [Fact]
    public void A_worker_that_ends_unordered_is_an_unexpected_interruption_with_its_own_time_stamp()
    {
        var raised = Observe(new WorkerExited("m1", 77, false, "gpt", 1, "signal 9", 123)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.Kind, raised.Cause, raised.FaultMonotonicNs).ShouldBe((InterruptionKind.Unexpected, InterruptionCause.WorkerDeath, 123L));
        raised.Machines.ShouldBe(["m1"]);
    }

    [Fact]
    public void The_same_exit_seen_twice_is_one_interruption()
    {
        Observe(new WorkerExited("m1", 77, false, "gpt", 1, "signal 9", 123)).Count.ShouldBe(1);
        Observe(new WorkerExited("m1", 77, false, "gpt", 1, "signal 9", 124)).ShouldBeEmpty();
    }

    [Fact]
    public void An_ordered_exit_and_an_exit_without_a_rank_are_none()
    {
        Observe(new WorkerExited("m1", 77, true, "gpt", 1, "exit code 0", 1)).ShouldBeEmpty();
        Observe(new WorkerExited("e0", 78, false, null, 0, "signal 9", 1)).ShouldBeEmpty();
    }

    [Fact]
    public void A_silent_agent_with_a_silent_worker_is_a_lost_machine()
    {
        Observe(new Heartbeat("m1", 77, 1));
        Observe(new PeerUnreachable("m0", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(0.7)).ShouldBeEmpty();
        var raised = Pass(TimeSpan.FromSeconds(0.1)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.Cause, raised.Severity, raised.FaultMonotonicNs).ShouldBe((InterruptionCause.MachineLoss, Severity.Replace, 5L));
        Pass(TimeSpan.FromSeconds(5)).ShouldBeEmpty();
    }

    [Fact]
    public void Machines_behind_one_switch_that_fall_silent_together_are_one_interruption_with_one_witness()
    {
        foreach (var machine in (string[])["m0", "m1"]) Place(machine, "leaf-3");
        Observe(new Heartbeat("m0", 76, 1));
        Observe(new Heartbeat("m1", 77, 1));
        Observe(new Heartbeat("m2", 78, 1));
        Observe(new PeerUnreachable("m2", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(0.7)).ShouldBeEmpty();
        Observe(new Heartbeat("m2", 78, 1));
        var raised = Pass(TimeSpan.FromSeconds(0.1)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.InterruptionId, raised.Cause, raised.Kind, raised.Severity, raised.FaultMonotonicNs).ShouldBe(("gpt-g1-leaf-3-m0-lost", InterruptionCause.MachineLoss, InterruptionKind.Unexpected, Severity.Replace, 5L));
        raised.Machines.ShouldBe(["m0", "m1"]);
        raised.Reason.ShouldBe("2 machines behind leaf-3 are lost at once (m0, m1): no heartbeat of their agents for 0.8 s, and m2 cannot reach the worker of m1: what they share is the likely cause.");
        raised.Evidence.ShouldHaveSingleItem().Observation.ShouldBe("m2 cannot reach the worker of m1: reset.");
        raised.RuledOut!.ShouldHaveSingleItem();
        Observe(new Heartbeat("m2", 78, 1));
        Pass(TimeSpan.FromSeconds(1.5)).ShouldBeEmpty();
        _ledger.Plan().OfType<Contracts.Migrations.MigrationPlanned>().ShouldHaveSingleItem().Plan.Moves.Select(move => move.Leaver).ShouldBe(["m0", "m1"]);
    }

    [Fact]
    public void A_lost_machine_waits_for_a_neighbour_only_while_that_one_is_late_and_a_heartbeat_at_most()
    {
        foreach (var machine in (string[])["m0", "m1"]) Place(machine, "leaf-3");
        Observe(new Heartbeat("m1", 77, 1));
        Observe(new PeerUnreachable("m2", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(0.2)).ShouldBeEmpty();
        Observe(new Heartbeat("m0", 76, 1));
        Pass(TimeSpan.FromSeconds(0.55)).ShouldBeEmpty();
        Observe(new Heartbeat("m0", 76, 1));
        Pass(TimeSpan.FromSeconds(0.05)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Machines.ShouldBe(["m1"]);
    }

    [Fact]
    public void A_lost_machine_whose_neighbours_are_heard_is_raised_at_once()
    {
        foreach (var machine in (string[])["m0", "m1"]) Place(machine, "leaf-3");
        Observe(new Heartbeat("m1", 77, 1));
        Observe(new PeerUnreachable("m2", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(0.5)).ShouldBeEmpty();
        Observe(new Heartbeat("m0", 76, 1));
        Pass(TimeSpan.FromSeconds(0.25)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Machines.ShouldBe(["m1"]);
    }

    [Fact]
    public void An_agent_that_is_late_while_its_worker_is_reached_is_given_more_time_than_a_machine_that_nobody_reaches()
    {
        Observe(new Heartbeat("m1", 77, 1));
        Pass(TimeSpan.FromSeconds(1.9)).ShouldBeEmpty();
        Observe(new PeerUnreachable("m0", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.Zero).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Cause.ShouldBe(InterruptionCause.MachineLoss);
    }

    [Fact]
    public void A_silent_agent_alone_asks_for_a_restart_and_recovers_when_heard()
    {
        Observe(new Heartbeat("m1", 77, 1));
        Pass(TimeSpan.FromSeconds(2)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Severity.ShouldBe(Severity.Restart);
        _ledger.Plan().ShouldBeEmpty();
        Observe(new Heartbeat("m1", 77, 2)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRecovered>();
    }

    [Fact]
    public void The_first_heartbeat_after_silence_is_looked_at_however_soon_it_comes()
    {
        Observe(new Heartbeat("m1", 77, 1));
        _detectors.Note(new Heartbeat("m1", 77, 2), _ledger.Now).ShouldBeTrue();
        Pass(TimeSpan.FromSeconds(2)).ShouldHaveSingleItem();
        _detectors.Note(new Heartbeat("m1", 77, 3), _ledger.Now).ShouldBeFalse();
        Observe(new Heartbeat("m1", 77, 3)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRecovered>();
    }

    [Fact]
    public void Whoever_does_not_listen_is_blind_and_calls_nobody_silent()
    {
        Observe(new Heartbeat("m1", 77, 1));
        _detectors.Listened(_ledger.Now);
        _ledger.Now += TimeSpan.FromMinutes(1);
        _detectors.IsDue(_ledger.Now).ShouldBeFalse();
        _ledger.Append(_detectors.Tick(_ledger.World, _ledger.Now)).ShouldBeEmpty();
        _detectors.Note(new Heartbeat("m1", 77, 2), _ledger.Now).ShouldBeTrue();
        Pass(TimeSpan.FromSeconds(1)).ShouldBeEmpty();
    }

    [Fact]
    public void A_stopped_worker_is_raised_as_unreachable_once_it_is_clear_that_it_is_not_dead()
    {
        Observe(new PeerUnreachable("m0", "gpt", 1, "m1", "silent", 5));
        for (var beat = 0; beat < 3; beat++)
        {
            Observe(new Heartbeat("m1", 77, beat));
            if (beat < 2) Pass(TimeSpan.FromSeconds(0.7)).ShouldBeEmpty();
        }

        Pass(TimeSpan.FromSeconds(0.7)).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Cause.ShouldBe(InterruptionCause.WorkerUnreachable);
    }

    [Fact]
    public void A_report_of_an_old_generation_raises_nothing()
    {
        Observe(new PeerUnreachable("m0", "gpt", 0, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(10)).ShouldBeEmpty();
    }

    [Fact]
    public void A_second_report_about_a_worker_that_is_replaced_already_raises_nothing()
    {
        Observe(new WorkerExited("m1", 77, false, "gpt", 1, "signal 9", 123)).Count.ShouldBe(1);
        Replace("m1");
        Observe(new PeerUnreachable("m0", "gpt", 1, "m1", "reset", 5));
        Pass(TimeSpan.FromSeconds(10)).ShouldBeEmpty();
    }

    [Fact]
    public void What_two_detectors_said_of_one_worker_is_over_when_one_migration_has_answered_it()
    {
        Observe(new WorkerExited("m1", 77, false, "gpt", 1, "signal 9", 123)).Count.ShouldBe(1);
        _ledger.Raise("foreign", InterruptionKind.Unexpected, InterruptionCause.WorkerUnreachable, "m1");
        _ledger.Plan();
        _ledger.Raise("late", InterruptionKind.Unexpected, InterruptionCause.WorkerDeath, "m1");
        Replace("m1");
        var over = _ledger.Append(Detectors.Resolve(_ledger.World));
        over.OfType<InterruptionResolved>().Select(resolved => resolved.InterruptionId).ShouldContain("gpt-m1-pid77");
        over.OfType<InterruptionRecovered>().ShouldHaveSingleItem().InterruptionId.ShouldBe("late");
    }

    private void Replace(string leaver)
    {
        _ledger.Plan();
        _ledger.Execute();
        var plan = _ledger.World.Migrations.Single().Plan!;
        foreach (var place in plan.To.Ranks) _ledger.Report(Ledger.Prepared(place.MachineId));
        foreach (var place in plan.To.Ranks) _ledger.Report(Ledger.Switched(place.MachineId, place.Rank));
        plan.Moves.ShouldHaveSingleItem().Leaver.ShouldBe(leaver);
    }

    [Fact]
    public void Notices_are_expected_interruptions()
    {
        Observe(new MaintenanceScheduled("m0", "firmware")).ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>().Kind.ShouldBe(InterruptionKind.Expected);
    }

    [Fact]
    public void A_notice_for_a_machine_that_nobody_announced_is_refused_with_the_known_ones() =>
        Should.Throw<DomainRuleException>(() => Observe(new MaintenanceScheduled("m9", "x"))).Message.ShouldBe("Machine m9 is unknown. Known: e0, m0, m1, m2, s0.");

    [Fact]
    public void Settings_are_checked_as_a_whole()
    {
        new DetectionOptions().BrokenRule().ShouldBeNull();
        new DetectionOptions { UnreachableGrace = TimeSpan.FromSeconds(0.5) }.BrokenRule()!.ShouldContain("UnreachableGrace");
        new DetectionOptions { AgentTimeout = TimeSpan.FromSeconds(0.5) }.BrokenRule()!.ShouldContain("AgentTimeout");
    }

    private void Place(string machine, string behind) => _ledger.Append(new Decision(_ledger.World).OnMachine(machine, state => [new MachineRegistered(machine, state.Role, state.Host, state.Port, behind)]));

    private IReadOnlyList<object> Observe(object body) =>
        _ledger.Append(_detectors.Observe(_ledger.World, new Observation("/test", $"msg-{_messages++}", body), _ledger.Now));

    private IReadOnlyList<object> Pass(TimeSpan time)
    {
        _ledger.Now += time;
        _detectors.Listened(_ledger.Now);
        return _ledger.Append(_detectors.Tick(_ledger.World, _ledger.Now));
    }
}
