using TrainMover.Telemetry.Fuzzing;

namespace TrainMover.Telemetry.Tests;

public sealed class FuzzTests
{
    private const int Lines = 200_000;
    private const long MostBytes = 64L * 1024 * 1024;

    [Fact]
    public void No_broken_line_makes_a_parser_throw_or_keep_memory()
    {
        var result = ParserFuzz.Run(Lines, seed: 20_260_801);
        result.FirstException.ShouldBeNull();
        (result.Lines, result.Exceptions).ShouldBe((Lines, 0));
        // Lines that are broken beyond recognition would prove nothing.
        result.Faults.ShouldBeGreaterThan(Lines / 10);
        result.Samples.ShouldBeGreaterThan(Lines / 40);
        result.PeakManagedBytes.ShouldBeLessThan(MostBytes);
    }

    [Fact]
    public void The_same_seed_makes_the_same_lines()
    {
        var (one, again, other) = (ParserFuzz.Run(5000, 1), ParserFuzz.Run(5000, 1), ParserFuzz.Run(5000, 2));
        (one.Faults, one.Samples).ShouldBe((again.Faults, again.Samples));
        (one.Faults, one.Samples).ShouldNotBe((other.Faults, other.Samples));
    }
}
