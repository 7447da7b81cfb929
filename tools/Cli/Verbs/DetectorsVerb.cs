using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Domain.Detection;
using TrainMover.EventLog;

namespace TrainMover.Cli.Verbs;

internal static class DetectorsVerb
{
    public static Command Create()
    {
        var name = new Argument<string?>("NAME") { Description = "One detector, with its history; all of them unless given.", Arity = ArgumentArity.ZeroOrOne };
        var mode = new Option<string?>("--mode") { Description = "off: finds nothing; log-only: what it finds is recorded and nobody acts on it; enforce." };
        mode.AcceptOnlyFromAmong("off", "log-only", "enforce");
        var set = new Option<string[]>("--set") { Description = "A setting, Name=Value; may be given several times.", Arity = ArgumentArity.OneOrMore };
        var why = new Option<string?>("--why") { Description = "Why it is changed; recorded with the change." };
        var command = new Command("detectors", "Lists the detectors, or tunes one of them while it runs.");
        command.Arguments.Add(name);
        foreach (var option in (Option[])[mode, set, why]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var kind = parsed.GetValue(name) is { } wanted ? Find(wanted) : null;
            var (newMode, changes) = (parsed.GetValue(mode), parsed.GetValue(set) ?? []);
            if (kind is null && (newMode is not null || changes.Length > 0)) throw new BadInputException("Name the detector that is to be changed: ./trainmover detectors lists them.");
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            if (kind is not null && (newMode is not null || changes.Length > 0))
                await TuneAsync(log, kind, newMode, changes, parsed.GetValue(why) ?? throw new BadInputException("Say why it is changed, with --why \"...\": it is recorded with the change."), ct);
            var all = DetectorRecord.All(await log.AllAsync(ct));
            var one = kind is null ? null : all.Single(detector => detector.Name == kind.Name);
            if (output.IsJson) output.Json(one is null ? all : one);
            else if (one is not null) DetectorTables.WriteOne(output, one);
            else DetectorTables.WriteAll(output, all);
            return 0;
        });
        return command;
    }

    private static async Task TuneAsync(OpenLog log, DetectorKind kind, string? mode, string[] changes, string why, CancellationToken ct)
    {
        var stream = DetectorTuning.Stream(kind.Name);
        var (tuning, version) = await log.Events.LoadAsync(stream, DetectorTuning.Initial, (state, @event) => state.Evolve(@event), ct: ct);
        if (tuning.Version == 0) throw new BadInputException($"No Detector has been started here yet, so nobody knows what {kind.Name} is configured with: start one with ./trainmover up.");
        IReadOnlyList<object> events;
        try
        {
            var settings = kind.Change(tuning.Settings, changes.Select(Pair));
            events = tuning.Tune(kind.Name, mode is null ? tuning.Mode : DetectorModes.Find(mode)!.Value, settings, Environment.UserName, why);
        }
        catch (SettingsException refused)
        {
            throw new BadInputException($"{refused.Message} Nothing is changed.");
        }

        if (events.Count == 0) throw new BadInputException($"{kind.Name} is set so already, since version {tuning.Version}.");
        await log.Events.AppendAsync([new StreamAppend(stream, version, events)], new AppendContext("cli", CorrelationId: stream), ct);
    }

    private static KeyValuePair<string, string> Pair(string text) => text.IndexOf('=') is var sign and > 0
        ? KeyValuePair.Create(text[..sign].Trim(), text[(sign + 1)..].Trim())
        : throw new BadInputException($"'{text}' is no setting: write --set Name=Value.");

    private static DetectorKind Find(string name) => DetectorCatalogue.Find(name)
        ?? throw new BadInputException($"There is no detector {name}: choose one of {string.Join(", ", DetectorCatalogue.All.Select(kind => kind.Name))}.");
}
