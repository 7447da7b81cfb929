using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Detectors;

/// <summary>Detectors as people read them.</summary>
internal static class DetectorTables
{
    public static void WriteAll(Output output, IReadOnlyList<DetectorRecord> detectors)
    {
        var table = Output.Table("detector", "finds", "mode", "version", "settings", "raised", "only logged", "last");
        foreach (var one in detectors)
        {
            table.Row(
                one.Name, one.Summary, one.Mode, one.Version == 0 ? "not started" : $"{one.Version}", Text(one.Settings), $"{one.Raised}", $"{one.Suppressed}",
                one.LastFinding is { } last ? $"{last:yyyy-MM-dd HH:mm:ss}" : "");
        }

        output.Console.Write(table);
    }

    public static void WriteOne(Output output, DetectorRecord detector)
    {
        output.Line($"{detector.Name}: {detector.Summary}");
        output.Line($"{detector.Mode}, version {detector.Version}; raised {detector.Raised}, only logged {detector.Suppressed}");
        var settings = Output.Table("setting", "value");
        foreach (var (name, value) in detector.Settings) settings.Row(name, value);
        output.Console.Write(settings);
        var changes = Output.Table("version", "since", "mode", "by", "changed", "why");
        IReadOnlyDictionary<string, string>? before = null;
        foreach (var change in detector.Changes)
        {
            changes.Row($"{change.Version}", $"{change.At:yyyy-MM-dd HH:mm:ss}", change.Mode, change.Who, before is null ? "" : Changed(before, change.Settings), change.Why);
            before = change.Settings;
        }

        output.Console.Write(changes);
    }

    public static string Text(IReadOnlyDictionary<string, string> settings) => string.Join(", ", settings.Select(setting => $"{setting.Key}={setting.Value}"));

    private static string Changed(IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> after) =>
        string.Join(", ", after.Where(setting => before.GetValueOrDefault(setting.Key) != setting.Value).Select(setting => $"{setting.Key} {before.GetValueOrDefault(setting.Key) ?? "-"} -> {setting.Value}"));
}
