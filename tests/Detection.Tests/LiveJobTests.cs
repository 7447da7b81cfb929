using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Running;

namespace TrainMover.Detection.Tests;

/// <summary>One watch over a running job: steps of 100 ms on three machines.</summary>
public class LiveJobTests
{
    private const double StepMs = 100;
    private const long Steps = 100_000;
    private readonly JobWatch _watch = new();
    private TimeSpan _now;
    private long _step;

    public LiveJobTests() => _watch.Follow(Members(1, "m0", "m1", "m2"));

    [Fact]
    public void A_worker_that_computes_a_fifth_longer_is_found_within_ten_steps_though_all_steps_take_equally_long()
    {
        Train(30, milliseconds: 3 * StepMs).ShouldBeEmpty();
        var finding = Train(10, machine => machine == "m1" ? 1.2 : 1, milliseconds: 3 * StepMs).Where(finding => finding.Kind != FindingKind.SlowJob).ShouldHaveSingleItem();
        (finding.Kind, finding.Subject, finding.AsksForMigration).ShouldBe((FindingKind.SlowWorker, "m1", true));
        finding.At.ShouldBeInRange(31, 39);
    }

    [Fact]
    public void A_worker_that_is_slow_for_a_second_is_left_alone()
    {
        Train(30);
        Train(10, machine => machine == "m1" ? 1.5 : 1).Where(finding => finding.Kind == FindingKind.SlowWorker).ShouldBeEmpty();
        Train(50).Where(finding => finding.Kind == FindingKind.SlowWorker).ShouldBeEmpty();
    }

    [Fact]
    public void Workers_that_merely_wait_for_a_slow_one_are_not_blamed()
    {
        Train(30);
        // Everybody's step is long; only m2 computed in it.
        Train(20, machine => machine == "m2" ? 3 : 1, milliseconds: 3 * StepMs).Where(finding => finding.Kind == FindingKind.SlowWorker).Select(finding => finding.Subject).ShouldBe(["m2"]);
    }

    [Fact]
    public void Ranks_of_different_stages_are_not_compared()
    {
        _watch.Follow(new JobMembers(2, Steps, [.. Enumerable.Range(0, 6).Select(rank => new RankSeat(rank, $"m{rank}", rank / 3))]));
        var findings = new List<Finding>();
        for (var step = 0; step < 60; step++)
        {
            for (var rank = 0; rank < 6; rank++) findings.AddRange(_watch.Observe(new RankStep(2, rank, step, 2, StepMs, rank < 3 ? 50 : 500), _now));
        }

        findings.ShouldBeEmpty();
    }

    [Fact]
    public void A_cold_joiner_is_given_time_to_settle()
    {
        Train(30);
        _watch.Follow(Members(2, "m0", "e0", "m2"));
        Train(5, machine => machine == "e0" ? 4 : 1, generation: 2).ShouldBeEmpty();
        Train(30, generation: 2).ShouldBeEmpty();
    }

    [Fact]
    public void While_a_migration_is_prepared_nobody_is_slow_and_what_had_added_up_is_forgotten()
    {
        Train(30);
        Train(3, machine => machine == "m1" ? 1.2 : 1).ShouldBeEmpty();
        _watch.Pause();
        Train(50, machine => machine == "m1" ? 2 : 1).ShouldBeEmpty();
        _watch.Follow(Members(1, "m0", "m1", "m2"));
        Train(8, machine => machine == "m1" ? 1.2 : 1).ShouldBeEmpty("five of them settle, and three are too few");
    }

    [Fact]
    public void Steps_of_another_generation_are_not_heard()
    {
        Train(30);
        Train(30, machine => machine == "m1" ? 5 : 1, generation: 2).ShouldBeEmpty();
    }

    [Fact]
    public void A_stopped_worker_is_named_once_its_job_has_not_moved_for_two_usual_steps()
    {
        Train(10);
        _watch.Observe("m1", isStopped: true, _now);
        Look(TimeSpan.FromMilliseconds(199)).ShouldBeEmpty();
        var finding = Look(TimeSpan.FromMilliseconds(1)).ShouldHaveSingleItem();
        (finding.Kind, finding.Subject, finding.AsksForMigration).ShouldBe((FindingKind.Hang, "m1", true));
        finding.Evidence.RuledOut.Count.ShouldBe(3);
        Look(TimeSpan.FromSeconds(10)).ShouldBeEmpty("it was told already");
        _watch.Observe("m1", isStopped: false, _now).ShouldNotBeNull().Kind.ShouldBe(FindingKind.Recovered);
    }

    [Fact]
    public void A_process_that_is_stopped_for_a_moment_and_one_of_no_member_are_nobodys_concern()
    {
        Train(10);
        _watch.Observe("m1", isStopped: true, _now);
        Look(TimeSpan.FromMilliseconds(150)).ShouldBeEmpty();
        _watch.Observe("m1", isStopped: false, _now).ShouldBeNull();
        _watch.Observe("s0", isStopped: true, _now);
        Look(TimeSpan.FromSeconds(5)).ShouldBeEmpty();
    }

    [Fact]
    public void A_stopped_worker_whose_job_moves_on_holds_nobody_up()
    {
        Train(10);
        _watch.Observe("m1", isStopped: true, _now);
        for (var step = 0; step < 20; step++)
        {
            Train(1).ShouldBeEmpty();
            Look(TimeSpan.FromMilliseconds(50)).ShouldBeEmpty();
        }
    }

    [Fact]
    public void A_worker_that_is_stopped_while_a_migration_is_prepared_is_named_all_the_same()
    {
        Train(10);
        _watch.Pause();
        _watch.Observe("m1", isStopped: true, _now);
        Look(TimeSpan.FromSeconds(1)).ShouldHaveSingleItem().Subject.ShouldBe("m1");
    }

    [Fact]
    public void A_worker_half_again_as_slow_is_found_where_paces_differ_by_a_fifth_from_step_to_step()
    {
        var random = new Random(5);
        double Noise() => 1 + (0.2 * ((2 * random.NextDouble()) - 1));
        Train(100, _ => Noise()).Where(finding => finding.Kind == FindingKind.SlowWorker).ShouldBeEmpty();
        Train(100, machine => Noise() * (machine == "m1" ? 1.5 : 1)).Where(finding => finding.Kind == FindingKind.SlowWorker).Select(finding => finding.Subject).ShouldBe(["m1"]);
    }

    [Fact]
    public void A_worker_that_never_arrives_where_all_others_wait_is_named_and_heard_of_again_when_it_does()
    {
        Train(10);
        Wait(0, 2);
        Look(TimeSpan.FromSeconds(4.9)).ShouldBeEmpty();
        var finding = Look(TimeSpan.FromSeconds(0.2)).ShouldHaveSingleItem();
        (finding.Kind, finding.Subject, finding.AsksForMigration).ShouldBe((FindingKind.Hang, "m1", true));
        finding.Evidence.RuledOut.Count.ShouldBe(4);
        finding.Reason.ShouldContain("rank 1 on m1");
        Look(TimeSpan.FromSeconds(10)).ShouldBeEmpty("it was told already");
        var over = Train(1).ShouldHaveSingleItem();
        (over.Kind, over.Subject).ShouldBe((FindingKind.Recovered, "m1"));
    }

    [Fact]
    public void Nobody_is_named_where_all_wait_or_two_machines_do_not_or_what_was_said_is_of_a_step_that_is_over()
    {
        Train(10);
        Wait(0, 1, 2);
        Look(TimeSpan.FromSeconds(20)).ShouldBeEmpty();
        Train(1);
        Wait(0);
        Look(TimeSpan.FromSeconds(20)).ShouldBeEmpty();
        Train(1);
        _watch.Observe(1, 0, _step - 1, _now);
        _watch.Observe(1, 2, _step - 1, _now);
        _watch.Observe(2, 0, _step, _now);
        _watch.Observe(2, 2, _step, _now);
        Hear("m0", "m1", "m2");
        Look(TimeSpan.FromSeconds(20)).ShouldBeEmpty();
    }

    [Fact]
    public void A_machine_whose_agent_is_silent_may_only_not_be_heard_and_is_not_named_before_it_is()
    {
        Train(10);
        foreach (var rank in (int[])[0, 2]) _watch.Observe(1, rank, _step, _now);
        Look(TimeSpan.FromSeconds(20)).ShouldBeEmpty();
        Hear("m0", "m2");
        Look(TimeSpan.FromSeconds(1)).ShouldBeEmpty();
        Hear("m1");
        Look(TimeSpan.FromSeconds(1)).ShouldHaveSingleItem().Subject.ShouldBe("m1");
    }

    [Fact]
    public void A_step_that_is_long_as_always_hangs_on_nobody()
    {
        Train(10, milliseconds: 4000);
        Wait(0, 2);
        Look(TimeSpan.FromSeconds(11)).ShouldBeEmpty("three usual steps have not passed");
        Look(TimeSpan.FromSeconds(2)).ShouldHaveSingleItem().Subject.ShouldBe("m1");
    }

    [Fact]
    public void While_a_migration_is_prepared_only_one_for_whom_all_others_wait_is_named()
    {
        Train(10);
        _watch.Pause();
        Look(TimeSpan.FromMinutes(2)).ShouldBeEmpty("a switch may take its time, and nobody says that he waits");
        Wait(0, 2);
        Look(TimeSpan.FromSeconds(6)).ShouldHaveSingleItem().Subject.ShouldBe("m1");
    }

    [Fact]
    public void A_hang_that_nothing_explains_is_told_after_half_a_minute_and_so_is_its_end_even_in_another_generation()
    {
        Train(40);
        Look(TimeSpan.FromSeconds(29)).ShouldBeEmpty();
        var hang = Look(TimeSpan.FromSeconds(2)).ShouldHaveSingleItem();
        (hang.Kind, hang.Subject, hang.AsksForMigration).ShouldBe((FindingKind.Hang, "job", false));
        _watch.Pause();
        _watch.Follow(Members(2, "m0", "e0", "m2"));
        Train(1, generation: 2).ShouldHaveSingleItem().Kind.ShouldBe(FindingKind.Recovered);
    }

    [Fact]
    public void After_the_last_step_nothing_is_awaited()
    {
        _watch.Follow(Members(2, "m0", "m1", "m2") with { Steps = 10 });
        Train(10, generation: 2);
        Look(TimeSpan.FromDays(1)).ShouldBeEmpty();
    }

    [Fact]
    public void A_loss_that_is_no_number_is_told_whatever_settles()
    {
        Train(2);
        for (var rank = 0; rank < 3; rank++)
        {
            var findings = _watch.Observe(new RankStep(1, rank, _step, double.NaN, StepMs, 50), _now);
            findings.Count.ShouldBe(rank == 2 ? 1 : 0);
            if (rank == 2) findings[0].Kind.ShouldBe(FindingKind.LossCorruption);
        }
    }

    [Fact]
    public void Steps_that_come_again_or_out_of_order_change_nothing()
    {
        Train(30);
        for (var step = 5; step < 30; step++)
        {
            for (var rank = 0; rank < 3; rank++) _watch.Observe(new RankStep(1, rank, step, 2, StepMs, rank == 1 ? 500 : 50), _now).ShouldBeEmpty();
        }
    }

    [Fact]
    public void Ranks_that_do_not_say_how_long_they_computed_are_not_judged() =>
        Enumerable.Range(0, 60).SelectMany(step => Enumerable.Range(0, 3).SelectMany(rank => _watch.Observe(new RankStep(1, rank, step, 2, StepMs, null), _now))).ShouldBeEmpty();

    [Fact]
    public void Settings_are_checked_as_a_whole() =>
        Should.Throw<SettingsException>(() => new JobWatch(new JobWatchSettings { Hang = new HangWatchSettings { Multiple = 0.5 } })).Message.ShouldBe("JobWatchSettings: Multiple is 0.5; it is above 1.");

    private static JobMembers Members(int generation, params string[] machines) => new(generation, Steps, [.. machines.Select((machine, rank) => new RankSeat(rank, machine, 0))]);

    private List<Finding> Look(TimeSpan later)
    {
        _now += later;
        return [.. _watch.Look(_now)];
    }

    private void Wait(params ReadOnlySpan<int> ranks)
    {
        foreach (var rank in ranks) _watch.Observe(1, rank, _step, _now);
        Hear("m0", "m1", "m2");
    }

    private void Hear(params ReadOnlySpan<string> machines)
    {
        _now += TimeSpan.FromMilliseconds(1);
        foreach (var machine in machines) _watch.Observe(machine, isStopped: false, _now).ShouldBeNull();
    }

    private List<Finding> Train(int steps, Func<string, double>? slowness = null, double milliseconds = StepMs, int generation = 1)
    {
        string[] machines = generation == 1 ? ["m0", "m1", "m2"] : ["m0", "e0", "m2"];
        var findings = new List<Finding>();
        for (var last = _step + steps; _step < last; _step++)
        {
            _now += TimeSpan.FromMilliseconds(milliseconds);
            foreach (var (rank, machine) in machines.Index())
            {
                // Equal work differs by some percent from step to step.
                var own = 50 * (1 + ((((_step * 7) + (rank * 13)) % 11) * 0.003)) * (slowness?.Invoke(machine) ?? 1);
                findings.AddRange(_watch.Observe(new RankStep(generation, rank, _step, 2, milliseconds, own), _now));
            }
        }

        return findings;
    }
}
