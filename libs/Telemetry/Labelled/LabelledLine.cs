using System.Text;
using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Labelled;

/// <summary>A line of a kernel log with the answer that is expected, from the folder <c>klog</c> of the test data.</summary>
/// <param name="Source">What the line is about, and what is asked: component and question.</param>
/// <param name="Line">The line; may hold several, which are read in their order.</param>
/// <param name="Expected">The answer.</param>
public sealed record LabelledLine(string Source, string Line, string Expected)
{
    /// <summary>Reads a file with the columns <c>component,test_function,line,expected</c>.</summary>
    /// <exception cref="FormatException">A row has too few or too many fields.</exception>
    /// <exception cref="KeyNotFoundException">A column is missing.</exception>
    public static IReadOnlyList<LabelledLine> ReadLabels(string csv) =>
        [.. CsvRows.Read(csv).Select(row => new LabelledLine($"{row["component"]}/{row["test_function"]}", row["line"], row["expected"]))];

    /// <summary>
    /// Reads a file with the columns <c>kind,code,pci,line</c>: kind <c>xid</c> or <c>sxid</c> with its code and device, or <c>other</c>. A code of 0 says that the line has none.
    /// </summary>
    /// <exception cref="FormatException">A row has too few or too many fields.</exception>
    /// <exception cref="KeyNotFoundException">A column is missing.</exception>
    public static IReadOnlyList<LabelledLine> ReadDriverLines(string csv) =>
        [.. CsvRows.Read(csv).Select(row => new LabelledLine("driver/line", row["line"], row["kind"] == "other" || row["code"] == "0" ? "" : $"{row["kind"]}-{row["code"]} {row["pci"]}"))];

    /// <summary>The first error that the line tells of.</summary>
    public KernelFault? Decode()
    {
        var decoder = new KernelLogDecoder("labelled");
        return Line.Split('\n').Select(line => decoder.Decode(Encoding.UTF8.GetBytes(line))?.Fault).FirstOrDefault(fault => fault is not null);
    }

    /// <summary>What the decoder answers to the question, in the words of <see cref="Expected"/>.</summary>
    public string Answer()
    {
        var slash = Source.LastIndexOf('/');
        return LabelledQuestions.Answer(Source[..slash], Source[(slash + 1)..], Line, Expected, Decode());
    }

    /// <summary>Whether the answer is the expected one.</summary>
    public bool IsRight => Answer() == Expected;
}
