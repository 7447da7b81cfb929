using TrainMover.Cli.Demo;

namespace TrainMover.Cli.Tests;

/// <summary>Pauses as they look from outside: steps of 100 ms, every fifth of 130 ms, and one of 400 ms.</summary>
public sealed class StepTimesTests
{
    private const int Long = 30;
    private readonly StepTimes _times;
    private readonly long _stopped;

    public StepTimesTests()
    {
        var (steps, now) = (new List<JobStep>(), 0L);
        for (var step = 0; step < 60; step++)
        {
            if (step == Long) _stopped = now;
            now += (step == Long ? 400 : step % 5 == 0 ? 130 : 100) * 1_000_000L;
            steps.Add(new JobStep(step, 1, null, 100, now));
        }

        _times = new StepTimes(steps);
    }

    [Fact]
    public void A_gap_is_the_longest_step_around_a_pause_less_the_median_step() => _times.GapMs(_stopped, _stopped + 300_000_000).ShouldBe(300);

    [Fact]
    public void Where_nothing_happens_a_gap_is_what_steps_differ_by() => _times.UndisturbedMs([(_stopped, _stopped + 300_000_000)]).ShouldBe(30);

    [Fact]
    public void Nothing_is_undisturbed_where_pauses_are_close_together() =>
        _times.UndisturbedMs([.. Enumerable.Range(0, 60).Select(at => (at * 110_000_000L, at * 110_000_000L))]).ShouldBe(0);
}
