namespace TrainMover.Telemetry.Tests;

public sealed class DurationTests
{
    [Theory]
    [InlineData("250ms", 0.25)]
    [InlineData("1.5s", 1.5)]
    [InlineData("15m", 900)]
    [InlineData("24h", 86400)]
    [InlineData("7d", 604800)]
    [InlineData("-3s", -3)]
    [InlineData("00:01:30", 90)]
    public void A_number_with_a_unit_or_a_time_with_colons_is_a_duration(string text, double seconds) => Duration.Parse(text).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("1 day")]
    [InlineData("soon")]
    [InlineData("1e3s")]
    [InlineData("NaNs")]
    [InlineData("100000d")]
    [InlineData("99999999999999999999h")]
    [InlineData("100000:00:00:00")]
    public void Anything_else_is_none(string text) => Duration.Parse(text).ShouldBeNull();

    [Fact]
    public void What_is_written_reads_back_in_the_largest_whole_unit()
    {
        foreach (var (seconds, text) in new[] { (0, "0s"), (0.25, "250ms"), (1.5, "1.5s"), (90, "90s"), (120, "2m"), (172800, "2d"), (-7200, "-2h") })
        {
            Duration.Write(TimeSpan.FromSeconds(seconds)).ShouldBe(text);
            Duration.Parse(text).ShouldBe(TimeSpan.FromSeconds(seconds));
        }
    }
}
