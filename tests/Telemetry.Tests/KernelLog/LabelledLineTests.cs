using TrainMover.Telemetry.Labelled;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class LabelledLineTests
{
    [Fact]
    public void Every_labelled_line_gets_the_expected_answer()
    {
        var lines = LabelledLine.ReadLabels(RealData.Read("klog/labelled_lines.csv"));
        lines.Count.ShouldBeGreaterThan(100);
        Wrong(lines).ShouldBeEmpty();
    }

    [Fact]
    public void Every_line_of_the_drivers_gets_its_code_and_device()
    {
        var lines = LabelledLine.ReadDriverLines(RealData.Read("klog/nvrm_lines.csv"));
        lines.Count(line => line.Expected.StartsWith("xid-", StringComparison.Ordinal)).ShouldBeGreaterThan(50);
        Wrong(lines).ShouldBeEmpty();
    }

    private static IEnumerable<string> Wrong(IReadOnlyList<LabelledLine> lines) =>
        lines.Where(line => !line.IsRight).Select(line => $"{line.Source}: '{line.Line}' is '{line.Answer()}', expected '{line.Expected}'");
}
