using TrainMover.Cli.Demo;

namespace TrainMover.Cli.Tests;

/// <summary>Pauses as they look from outside: steps of 100 ms, every second one from the fourth on of 130 ms, one of 400 ms, and one of 200 ms two steps after it.</summary>
public sealed class StepTimesTests
{
    private const long Ms = 1_000_000;
    private const int Long = 30;
    private const int NotOfThePause = Long + 2;
    private readonly StepTimes _times;
    private readonly long _stopped;

    public StepTimesTests()
    {
        var (steps, now) = (new List<JobStep>(), 0L);
        for (var step = 0; step < 61; step++)
        {
            if (step == Long) _stopped = now;
            now += Ms * step switch { Long => 400, NotOfThePause => 200, > 4 when step % 2 == 0 => 130, _ => 100 };
            steps.Add(new JobStep(step, 1, null, 100, now));
        }

        _times = new StepTimes(steps);
    }

    [Fact]
    public void A_gap_is_the_longest_step_that_a_pause_touches_less_the_median_step() => _times.GapMs(_stopped, _stopped + (300 * Ms)).ShouldBe(300);

    [Fact]
    public void A_stop_before_the_last_rank_ended_its_step_touches_both_steps() => _times.GapMs(_stopped - (5 * Ms), _stopped + (10 * Ms)).ShouldBe(300);

    [Fact]
    public void A_step_near_a_pause_that_it_does_not_touch_is_not_its_gap() => _times.GapMs(_stopped + (405 * Ms), _stopped + (410 * Ms)).ShouldBe(0);

    [Fact]
    public void Where_nothing_happens_a_gap_is_what_steps_differ_by() => _times.UndisturbedMs([(_stopped, _stopped + (300 * Ms))]).ShouldBe(30);

    [Fact]
    public void Nothing_is_undisturbed_where_pauses_are_close_together() =>
        _times.UndisturbedMs([.. Enumerable.Range(0, 80).Select(at => (at * 110 * Ms, at * 110 * Ms))]).ShouldBe(0);
}
