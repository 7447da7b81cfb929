using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;

namespace TrainMover.Detection.Tests;

public class JobWatchTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_job_hangs_when_a_step_takes_three_usual_steps_and_the_slack()
    {
        var watch = new HangWatch();
        for (var step = 0; step <= 5; step++) watch.Entered("step", step, step * Step);
        watch.Deadline.ShouldBe(TimeSpan.FromSeconds(80.25));
        watch.Look(TimeSpan.FromSeconds(80.2)).ShouldBeNull();
        watch.Look(TimeSpan.FromSeconds(80.25)).ShouldNotBeNull().Kind.ShouldBe(FindingKind.Hang);
        watch.Look(TimeSpan.FromSeconds(200)).ShouldBeNull("it was told already");
        watch.Entered("step", 6, TimeSpan.FromSeconds(300)).ShouldNotBeNull().Kind.ShouldBe(FindingKind.Recovered);
        watch.Deadline.ShouldBe(TimeSpan.FromSeconds(330.25), "a step that hung does not change what is usual");
    }

    [Fact]
    public void A_long_evaluation_is_no_hang_once_evaluations_are_known_to_be_long()
    {
        var watch = new HangWatch();
        for (var step = 0; step < 5; step++) watch.Entered("step", step, step * Step);
        watch.Entered("evaluation", 5, TimeSpan.FromMinutes(1));
        watch.Look(TimeSpan.FromMinutes(12)).ShouldBeNull("a phase that was never seen to end has half an hour");
        watch.Entered("step", 5, TimeSpan.FromMinutes(13));
        watch.Entered("evaluation", 6, TimeSpan.FromMinutes(14));
        watch.Deadline.ShouldBe(TimeSpan.FromMinutes(14 + 36) + TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public void A_job_that_ended_does_not_hang()
    {
        var watch = new HangWatch();
        watch.Entered("step", 0, TimeSpan.Zero);
        watch.Ended();
        watch.Look(TimeSpan.FromDays(1)).ShouldBeNull();
    }

    [Fact]
    public void A_job_that_became_five_percent_slower_is_raised_at_the_second_such_step()
    {
        var watch = new JobSlowdown();
        for (var step = 0; step < 20; step++) watch.Observe(step, 100 + (step % 2 * 0.2)).ShouldBeNull();
        watch.Observe(20, 105).ShouldBeNull();
        watch.Observe(21, 105).ShouldNotBeNull().Kind.ShouldBe(FindingKind.SlowJob);
        for (var step = 22; step < 53; step++) watch.Observe(step, 100).ShouldBeNull();
        watch.Observe(53, 100).ShouldNotBeNull().Kind.ShouldBe(FindingKind.Recovered);
    }

    [Fact]
    public void A_single_slow_step_however_slow_is_no_slow_job()
    {
        var watch = new JobSlowdown();
        for (var step = 0; step < 20; step++) watch.Observe(step, 100);
        watch.Observe(20, 100_000).ShouldBeNull();
        watch.Observe(21, 100).ShouldBeNull();
        watch.Observe(22, 101).ShouldBeNull();
    }

    [Fact]
    public void A_loss_that_is_no_number_is_raised_at_once_and_once()
    {
        var watch = new LossWatch();
        watch.Observe(1, 2.5).ShouldBeNull();
        watch.Observe(2, double.NaN).ShouldNotBeNull().Kind.ShouldBe(FindingKind.LossCorruption);
        watch.Observe(3, double.PositiveInfinity).ShouldBeNull();
    }

    [Fact]
    public void A_spike_that_heals_raises_nothing_and_one_that_does_not_is_raised_when_its_time_is_up()
    {
        var watch = new LossWatch(new LossWatchSettings { HealWithin = 10 });
        for (var iteration = 0; iteration < 20; iteration++) watch.Observe(iteration, 2).ShouldBeNull();
        for (var iteration = 20; iteration < 25; iteration++) watch.Observe(iteration, 5).ShouldBeNull();
        watch.Observe(25, 2.05).ShouldBeNull();
        watch.SpikeSince.ShouldBeNull();
        for (var iteration = 26; iteration < 36; iteration++) watch.Observe(iteration, 5).ShouldBeNull();
        var finding = watch.Observe(36, 5).ShouldNotBeNull();
        finding.Kind.ShouldBe(FindingKind.LossCorruption);
        finding.Evidence.Samples[^1].ShouldBe(new EvidenceSample(36, "loss", 5, 2));
        watch.Observe(37, 2).ShouldNotBeNull().Kind.ShouldBe(FindingKind.Recovered);
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused_with_the_rule_they_break()
    {
        Should.Throw<SettingsException>(() => new HangWatch(new HangWatchSettings { Multiple = 1 })).Message.ShouldBe("HangWatchSettings: Multiple is 1; it is above 1.");
        Should.Throw<SettingsException>(() => new JobSlowdown(new JobSlowdownSettings { Baseline = 4 })).Message.ShouldBe("JobSlowdownSettings: Baseline (4) is not below Warmup (8).");
        Should.Throw<SettingsException>(() => new LossWatch(new LossWatchSettings { Healed = 0.3 })).Message.ShouldBe("LossWatchSettings: Healed (0.3) is positive and below Spike (0.2).");
        Should.Throw<SettingsException>(() => new LossWatch(new LossWatchSettings { Version = " " })).Message.ShouldBe("LossWatchSettings: Version is empty.");
    }
}
