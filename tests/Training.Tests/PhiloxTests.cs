namespace TrainMover.Training.Tests;

public class PhiloxTests
{
    // Known answers published with Random123 for philox4x32, 10 rounds.
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0xa4093822u, 0x299f31d0u, 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void The_generator_gives_the_published_answers(
        uint key0, uint key1, uint a, uint b, uint c, uint d, uint answerA, uint answerB, uint answerC, uint answerD) =>
        Philox.Block(key0, key1, a, b, c, d).ShouldBe((answerA, answerB, answerC, answerD));

    [Fact]
    public void Streams_differ_in_seed_purpose_step_stream_and_block()
    {
        var draws = new[]
        {
            Philox.Draw(1, RandomPurpose.Dropout, 5, 3, 2),
            Philox.Draw(2, RandomPurpose.Dropout, 5, 3, 2),
            Philox.Draw(1UL << 40, RandomPurpose.Dropout, 5, 3, 2),
            Philox.Draw(1, RandomPurpose.DataOrder, 5, 3, 2),
            Philox.Draw(1, RandomPurpose.Dropout, 6, 3, 2),
            Philox.Draw(1, RandomPurpose.Dropout, 5 + (1L << 32), 3, 2),
            Philox.Draw(1, RandomPurpose.Dropout, 5, 4, 2),
            Philox.Draw(1, RandomPurpose.Dropout, 5, 3, 1),
        };

        draws.Distinct().Count().ShouldBe(draws.Length);
    }
}
