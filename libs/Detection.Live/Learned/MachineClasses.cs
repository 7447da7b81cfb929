using System.IO.Enumeration;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Live.Learned;

/// <summary>Tells the class of a machine from its name.</summary>
internal sealed class MachineClasses
{
    private readonly List<(string Pattern, string Class)> _rules;

    public MachineClasses(string text) => _rules = [.. Parts(text).Select(Rule).OfType<(string, string)>()];

    public static string? BrokenRule(string text) =>
        Parts(text).FirstOrDefault(part => Rule(part) is null) is { } broken ? $"Classes holds '{broken}'; it is PATTERN=CLASS, separated by commas, for example gpu-*=gpu,web-1=web." : null;

    /// <summary>The class that a rule gives; the machine's own name where none fits.</summary>
    public string Of(string machineId)
    {
        foreach (var (pattern, machineClass) in _rules)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, machineId, ignoreCase: false)) return machineClass;
        }

        return machineId;
    }

    private static string[] Parts(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static (string Pattern, string Class)? Rule(string part) =>
        part.Split('=', StringSplitOptions.TrimEntries) is [{ Length: > 0 } pattern, var machineClass] && MetricModelFile.IsName(machineClass) ? (pattern, machineClass) : null;
}
