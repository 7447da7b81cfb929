using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Live.Jobs;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Running;
using TrainMover.Domain;
using TrainMover.Domain.Interruptions;

namespace TrainMover.Detection.Live.Tests.Jobs;

/// <summary>From messages of a job to interruptions in the log: a job of four machines, steps of half a second.</summary>
public sealed class JobWindowsTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);
    private readonly World _world = new();
    private readonly JobWindows _windows = new();
    private readonly List<object> _log = [];
    private TimeSpan _now = TimeSpan.FromDays(1);
    private int _generation = 1;
    private long _step;

    public JobWindowsTests()
    {
        Append(DetectorCatalogue.ConfigureByDefault(_world));
        foreach (var machine in Machines.Append("s0")) Append($"machine-{machine}", new MachineRegistered(machine, MachineRole.Training, "127.0.0.1", 1));
        Append("job-gpt", new JobSubmitted(new JobSpec("gpt", new JobLayout(4), 10_000, 1, 1, 1e-3f, new JobModel(), "text", "folder")), new JobStarted("gpt", Topology(1, Machines)));
        _log.Clear();
        _windows.Follow(_world);
    }

    private static string[] Machines => ["m0", "m1", "m2", "m3"];

    [Fact]
    public void A_slow_worker_is_raised_once_with_samples_what_was_ruled_out_and_the_version_of_the_settings()
    {
        Append(new Decision(_world).OnDetector("peer-slowdown", tuning => tuning.Tune("peer-slowdown", DetectorMode.Enforce, tuning.Settings.Select(setting => setting.Name == "Recovery" ? setting with { Value = "40" } : setting).ToList(), "ops", "test")));
        _log.Clear();
        Train(30);
        Train(30, slow: "m2");
        var raised = _log.ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.Kind, raised.Cause, raised.Severity, raised.Detector).ShouldBe((InterruptionKind.Expected, InterruptionCause.SlowWorker, Severity.Replace, "peer-slowdown-2"));
        raised.Machines.ShouldBe(["m2"]);
        raised.InterruptionId.ShouldStartWith("gpt-g1-m2-peer-slowdown-");
        raised.Evidence.ShouldNotBeEmpty();
        raised.Evidence.ShouldAllBe(evidence => evidence.Source == "/agent" && evidence.MessageId.StartsWith("step-1-", StringComparison.Ordinal) && evidence.Observation.Contains("time against the peers"));
        raised.RuledOut.ShouldNotBeNull().Count.ShouldBe(6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_slow_worker_on_a_fast_core_is_found_where_ranks_say_on_which_cores_they_computed(bool said)
    {
        Train(30, cores: said);
        Train(30, slow: "m2", cores: said, busyCore: 1.2);
        _log.OfType<InterruptionRaised>().SelectMany(raised => raised.Machines).ShouldBe(said ? ["m2"] : []);
    }

    [Fact]
    public void It_recovers_once_it_keeps_its_usual_pace()
    {
        Train(30);
        Train(20, slow: "m2");
        Train(40);
        _log.Select(@event => @event.GetType()).ShouldBe([typeof(InterruptionRaised), typeof(InterruptionRecovered)]);
        _world.Interruption(((InterruptionRaised)_log[0]).InterruptionId).Status.ShouldBe(InterruptionStatus.Recovered);
    }

    [Fact]
    public void Nothing_is_said_of_paces_while_a_migration_is_prepared_and_after_it_was_given_up_it_is()
    {
        Train(30);
        Append("job-gpt", new JobMigrationOpened("gpt", "gpt-g2", 2));
        _windows.Follow(_world);
        Train(40, slow: "m2");
        _log.Where(@event => @event is InterruptionRaised).ShouldBeEmpty();
        Append("job-gpt", new JobMigrationClosed("gpt", "gpt-g2", MigrationOutcome.Aborted, Topology(1, Machines)));
        _windows.Follow(_world);
        Train(30, slow: "m2");
        _log.OfType<InterruptionRaised>().ShouldHaveSingleItem().Machines.ShouldBe(["m2"]);
    }

    [Fact]
    public void What_was_found_before_a_migration_opened_is_not_raised_on_the_log_as_it_stands_then()
    {
        Train(30);
        var found = new List<JobFinding>();
        Train(30, slow: "m2", into: found);
        var slow = found.Single(finding => finding.Finding.Kind == FindingKind.SlowWorker);
        Append("job-gpt", new JobMigrationOpened("gpt", "gpt-g2", 2));
        slow.Decide(_world).IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_finding_of_a_generation_that_is_over_leads_to_nothing()
    {
        Train(30);
        var found = new List<JobFinding>();
        Train(30, slow: "m2", into: found);
        Append("job-gpt", new JobMigrationOpened("gpt", "gpt-g2", 2), new JobMigrationClosed("gpt", "gpt-g2", MigrationOutcome.Completed, Topology(2, ["m0", "m1", "s0", "m3"])));
        found.ShouldAllBe(finding => finding.Decide(_world).IsEmpty);
    }

    [Fact]
    public void A_new_generation_is_asked_for_once_and_steps_of_the_old_one_are_not_heard_any_more()
    {
        Train(30);
        var old = Message(_step, 0, 50);
        Append("job-gpt", new JobMigrationOpened("gpt", "gpt-g2", 2), new JobMigrationClosed("gpt", "gpt-g2", MigrationOutcome.Completed, Topology(2, ["m0", "m1", "s0", "m3"])));
        _generation = 2;
        var first = Message(_step, 0, 50);
        _windows.IsUnknown(first).ShouldBeTrue();
        _windows.LookedUp(first);
        _windows.IsUnknown(first).ShouldBeFalse("the log tells by itself what comes later");
        _windows.Follow(_world);
        _windows.IsUnknown(first).ShouldBeFalse();
        _windows.Take(new SeenIn("/agent", "late"), old, _now).ShouldBeEmpty();
        Train(40, slow: "m2");
        _log.OfType<InterruptionRaised>().ShouldBeEmpty("m2 is no member any more; its rank is s0's");
    }

    [Fact]
    public void Messages_that_come_twice_change_nothing()
    {
        Train(30, copies: 2);
        Train(30, slow: "m2", copies: 2);
        _log.OfType<InterruptionRaised>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_finding_that_is_decided_twice_is_raised_once()
    {
        Train(30);
        var found = new List<JobFinding>();
        Train(30, slow: "m2", into: found);
        var slow = found.Single(finding => finding.Finding.Kind == FindingKind.SlowWorker);
        Append(slow.Decide(_world));
        Append(slow.Decide(_world));
        _log.OfType<InterruptionRaised>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_stopped_worker_is_an_unexpected_interruption_that_rests_on_the_heartbeat_that_said_so()
    {
        Train(20);
        Record(_windows.Take(new SeenIn("/agent", "stopped"), new Heartbeat("m1", 7, 1, WorkerStopped: true), _now));
        Record(_windows.Take(new SeenIn("/agent", "stopped-2"), new Heartbeat("m1", 7, 2, WorkerStopped: true), _now));
        Record(_windows.Look(_now + (4 * Step)));
        var raised = _log.ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.Kind, raised.Cause, raised.Severity, raised.Evidence[0].MessageId).ShouldBe((InterruptionKind.Unexpected, InterruptionCause.Hang, Severity.Replace, "stopped"));
        Record(_windows.Take(new SeenIn("/agent", "again"), new Heartbeat("m1", 7, 3), _now + (5 * Step)));
        _log[^1].ShouldBeOfType<InterruptionRecovered>().InterruptionId.ShouldBe(raised.InterruptionId);
    }

    [Theory]
    [InlineData(InterruptionKind.Expected, "m1", true)]
    [InlineData(InterruptionKind.Expected, "m2", true)]
    [InlineData(InterruptionKind.Unexpected, "m2", true)]
    [InlineData(InterruptionKind.Unexpected, "m1", false)]
    public void A_worker_for_which_all_others_wait_is_raised_while_a_migration_is_prepared_unless_it_is_replaced_as_lost_already(InterruptionKind kind, string stuck, bool isRaised)
    {
        Train(20);
        var plan = new MigrationPlan(
            "gpt-g2", "gpt", kind, Topology(1, Machines), Topology(2, ["m0", "s0", "m2", "m3"]), [new MachineMove("m1", "s0", [1])], StateSource.DataParallelPeer, new JobLayout(4), "because", ["first"], [], "policy",
            DateTimeOffset.UnixEpoch);
        Append("job-gpt", new JobMigrationOpened("gpt", "gpt-g2", 2));
        Append("migration-gpt-g2", new MigrationPlanned(plan));
        _windows.Follow(_world);
        _log.Clear();
        foreach (var machine in Machines.Where(machine => machine != stuck))
            _windows.Take(new SeenIn("/agent", "waits"), new RankWaiting(machine, "gpt", 1, Array.IndexOf(Machines, machine), _step, 0), _now);
        Record(_windows.Take(new SeenIn("/agent", "runs"), new Heartbeat(stuck, 7, 1), _now + Step));
        Record(_windows.Look(_now + TimeSpan.FromSeconds(6)));
        _log.OfType<InterruptionRaised>().Select(raised => (raised.Cause, raised.Machines.Single())).ShouldBe(isRaised ? [(InterruptionCause.Hang, stuck)] : []);
    }

    [Fact]
    public void A_loss_that_is_no_number_names_all_machines_and_asks_for_a_restart()
    {
        Train(20);
        Train(1, loss: float.NaN);
        var raised = _log.ShouldHaveSingleItem().ShouldBeOfType<InterruptionRaised>();
        (raised.Cause, raised.Severity, raised.Detector).ShouldBe((InterruptionCause.LossCorruption, Severity.Restart, "loss-1"));
        raised.Machines.ShouldBe(Machines);
        raised.Reason.ShouldEndWith("(job gpt).");
    }

    [Fact]
    public void A_job_that_is_slow_as_a_whole_is_told_to_people_and_not_to_the_log()
    {
        var found = new List<JobFinding>();
        Train(40, into: found);
        Train(20, pace: 2, into: found);
        found.ShouldHaveSingleItem().IsRecorded.ShouldBeFalse();
        found[0].Finding.Detector.ShouldBe(JobSlowdown.Name);
    }

    [Fact]
    public void Other_settings_forget_what_was_usual_and_a_job_that_ended_is_not_watched()
    {
        Train(30);
        _windows.Use(new JobWatchSettings { Settle = 50 });
        _windows.Follow(_world);
        Train(40, slow: "m2");
        _log.ShouldBeEmpty();
        Append("job-gpt", new JobCompleted("gpt", 10_000, []));
        _windows.Follow(_world);
        _windows.Look(_now + TimeSpan.FromDays(1)).ShouldBeEmpty();
        _windows.Take(new SeenIn("/agent", "late"), Message(_step, 0, 50), _now).ShouldBeEmpty();
    }

    private static JobTopology Topology(int generation, string[] machines) => new(generation, [.. machines.Select((machine, rank) => new RankPlace(rank, machine, "127.0.0.1", 1))], "");

    private void Train(int steps, string? slow = null, double pace = 1, float loss = 2, int copies = 1, List<JobFinding>? into = null, bool cores = false, double busyCore = 1)
    {
        for (var last = _step + steps; _step < last; _step++)
        {
            _now += pace * Step;
            for (var rank = 0; rank < 4; rank++)
            {
                var own = 400 * pace * (1 + ((((_step * 7) + (rank * 13)) % 11) * 0.003)) * (Machines[rank] == slow && _world.Job("gpt").Topology!.Has(slow) ? 1.3 : 1) * (rank < 2 ? busyCore : 1);
                for (var copy = 0; copy < copies; copy++)
                {
                    var findings = _windows.Take(new SeenIn("/agent", $"step-{_generation}-{_step}-{rank}"), Message(_step, rank, own, loss, pace) with { Cores = cores ? [new(rank < 2 ? "host/0" : "host/1", own)] : null }, _now);
                    if (into is null) Record(findings);
                    else into.AddRange(findings);
                }
            }
        }
    }

    private StepCompleted Message(long step, int rank, double own, float loss = 2, double pace = 1) =>
        new(Machines[rank], "gpt", _generation, rank, step, loss, BitConverter.SingleToUInt32Bits(loss), pace * Step.TotalMilliseconds, 1, own);

    private void Record(IReadOnlyList<JobFinding> findings)
    {
        foreach (var found in findings.Where(found => found.IsRecorded)) Append(found.Decide(_world));
    }

    private void Append(Decision decision)
    {
        foreach (var stream in decision.Streams) Append(stream.Stream, [.. stream.Events]);
    }

    private void Append(string stream, params object[] events)
    {
        foreach (var @event in events) _world.Apply(stream, _world.VersionOf(stream) + 1, @event).ShouldBeTrue();
        _log.AddRange(events);
    }
}
