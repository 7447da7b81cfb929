using System.Text;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class LineSplitterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Lines_are_the_same_however_the_bytes_arrive(int chunk)
    {
        var lines = new List<string>();
        var splitter = new LineSplitter(mostBytes: 8);
        foreach (var part in "one\r\n\ntwo\n0123456789abc\nlast"u8.ToArray().Chunk(chunk)) splitter.Add(part, Keep);
        splitter.Flush(Keep);
        lines.ShouldBe(["one", "two", "01234567", "last"]);
        splitter.Skipped.ShouldBe(5);

        void Keep(ReadOnlySpan<byte> line) => lines.Add(Encoding.UTF8.GetString(line));
    }

    [Fact]
    public void A_line_without_end_takes_no_more_memory_than_the_limit()
    {
        var splitter = new LineSplitter();
        var chunk = new byte[64 * 1024];
        Array.Fill(chunk, (byte)'x');
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) splitter.Add(chunk, _ => throw new InvalidOperationException("No line has ended."));
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(64 * 1024);
        splitter.Skipped.ShouldBe((1000L * chunk.Length) - LineSplitter.DefaultMostBytes);
    }
}
