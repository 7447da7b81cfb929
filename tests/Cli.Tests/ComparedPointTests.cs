using TrainMover.Cli.Bench.CollectiveCalls;

namespace TrainMover.Cli.Tests;

/// <summary>What a point of bench collectives comes to.</summary>
public class ComparedPointTests
{
    [Fact]
    public void The_setting_counts_that_does_best_beside_ours() => Of(Pair("slow", 10, 30), Pair("quick", 10, 20)).ShouldSatisfyAllConditions(
        point => point.OpenMpiSetting.ShouldBe("quick"),
        point => point.Ratio.ShouldBe(2),
        point => point.OpenMpiMicroseconds.ShouldBe(20));

    [Fact]
    public void A_phase_in_which_everything_takes_longer_changes_no_ratio() =>
        Of(Pair("one", 10, 20), Pair("one", 30, 60), Pair("one", 30, 60), Pair("other", 30, 75), Pair("other", 10, 25), Pair("other", 10, 25)).Ratio.ShouldBe(2);

    [Fact]
    public void A_change_of_phase_between_two_that_are_compared_is_not_the_median() => Of(Pair("one", 10, 20), Pair("one", 30, 20), Pair("one", 10, 20)).Ratio.ShouldBe(2);

    [Fact]
    public void Bandwidths_are_those_of_nccl_tests()
    {
        var point = Of(Pair("one", 10, 20));
        point.BusGBps.ShouldBe(1.5 * 4e6 / 10 / 1000);
        point.OpenMpiBusGBps.ShouldBe(1.5 * 4e6 / 20 / 1000);
    }

    [Fact]
    public void One_wrong_result_is_enough()
    {
        var pair = Pair("one", 10, 20);
        Of(Pair("other", 10, 20), pair with { Ours = pair.Ours with { Right = false } }).Verified.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, 56, 0)]
    [InlineData(64, 120, 64)]
    public void What_calls_allocate_is_what_every_run_shows(long first, long second, long expected) => Of(Allocating(first), Allocating(second)).Allocated.ShouldBe(expected);

    private static MeasuredPair Allocating(long bytes)
    {
        var pair = Pair("one", 10, 20);
        return pair with { Ours = pair.Ours with { Allocated = bytes } };
    }

    private static ComparedPoint Of(params MeasuredPair[] pairs) => ComparedPoint.Of("tcp", 4, "all-reduce", 4_000_000, pairs);

    private static MeasuredPair Pair(string setting, double ours, double theirs) => new(setting, Point(ours), Point(theirs));

    private static Measured Point(double microseconds) => new("all-reduce", 4_000_000, Right: true, Allocated: 0, [microseconds]);
}
