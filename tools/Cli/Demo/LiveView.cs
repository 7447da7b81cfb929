using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;
using TrainMover.Domain.Fleet;

namespace TrainMover.Cli.Demo;

/// <summary>Shows a run while it goes on: a picture that is drawn anew on a terminal, plain lines elsewhere.</summary>
internal sealed class LiveView(Output output, TrainingRun run)
{
    private const int SparklineWidth = 60;
    private const string Bars = "▁▂▃▄▅▆▇█";
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(200);
    private readonly List<string> _notes = [];
    private readonly Lock _gate = new();

    public IProgress<string> Notes => new NoteList(this);

    public async Task<RunRecord> ShowAsync(CancellationToken ct)
    {
        var running = run.RunAsync(Notes, ct);
        if (output.IsJson) return await running;
        if (!output.Console.Profile.Capabilities.Interactive || Console.IsOutputRedirected) await LinesAsync(running);
        else await output.Console.Live(Picture()).AutoClear(false).StartAsync(context => DrawAsync(context, running));
        return await running;
    }

    private async Task DrawAsync(LiveDisplayContext context, Task running)
    {
        while (!running.IsCompleted)
        {
            context.UpdateTarget(Picture());
            await Task.WhenAny(running, Task.Delay(Refresh));
        }

        context.UpdateTarget(Picture());
    }

    private async Task LinesAsync(Task running)
    {
        var (shown, noted) = (0, 0);
        var tenth = -1L;
        while (true)
        {
            var last = running.IsCompleted;
            foreach (var note in Told().Skip(noted))
            {
                output.Line($"{Now()}  >> {note}");
                noted++;
            }

            foreach (var logged in run.Watch.Events.Skip(shown))
            {
                output.Line($"{logged.RecordedAt:HH:mm:ss.fff}  {logged.Actor,-9} {EventText.ShortType(logged.Type)}: {EventText.Of(logged.Data)}");
                shown++;
            }

            var steps = run.Watch.Steps.Steps();
            if (steps.Count > 0 && steps.Count * 10 / run.Job.Steps > tenth)
            {
                tenth = steps.Count * 10 / run.Job.Steps;
                output.Line($"{Now()}  step {steps[^1].Step + 1} of {run.Job.Steps}, loss {steps[^1].Loss:0.000}, {steps[^1].Ms:0} ms per step");
            }

            if (last) return;
            await Task.WhenAny(running, Task.Delay(Refresh));
        }
    }

    private static string Now() => TimeProvider.System.GetUtcNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private List<string> Told()
    {
        lock (_gate) return [.. _notes];
    }

    private Rows Picture()
    {
        var steps = run.Watch.Steps.Steps();
        var machines = new Table { Border = TableBorder.Rounded }.AddColumns("machine", "role", "state", "rank");
        var state = run.State();
        foreach (var setup in run.Machines)
        {
            var machine = run.Watch.Look(world => world.Machine(setup.Id));
            var ranks = string.Join(", ", state.Topology?.RanksOf(setup.Id) ?? []);
            var follows = state.Followed is { } followed && state.Armed!.MachineId == setup.Id ? $", follows {followed}" : "";
            var standby = state.Standbys.TryGetValue(setup.Id, out var trust) ? $"standby, {trust.ToString().ToLowerInvariant()}{follows}" : null;
            machines.AddRow(new Text(setup.Id), new Text(setup.Role), Coloured(machine.Status, standby), new Text(ranks));
        }

        var lines = new List<IRenderable>
        {
            machines,
            new Markup($"[bold]job {run.Job.JobId}[/]  step {run.Watch.Steps.Completed} of {run.Job.Steps}{(steps.Count > 0 ? $"  loss {steps[^1].Loss:0.000}  {steps[^1].Ms:0} ms per step" : "")}"),
            new Text(Sparkline([.. steps.Select(step => step.Loss)]), new Style(Color.Aqua)),
        };
        foreach (var story in run.Stories(run.Watch.Events))
        {
            lines.Add(new Markup(
                $"[yellow]{(story.IsUnexpected ? "unexpected" : "expected")}[/] migration {StoryTables.Moves(story.Plan).EscapeMarkup()}: [bold]{StoryTables.Phase(story)}[/]{(story.PauseMs is { } pause ? $", pause {pause:0.0} ms" : "")}"));
        }

        lines.AddRange(Told().Select(note => new Text($"» {note}", new Style(Color.Grey))));
        return new Rows(lines);
    }

    private static Text Coloured(MachineStatus status, string? standby) => status switch
    {
        MachineStatus.Assigned => new Text("trains", new Style(Color.Green)),
        MachineStatus.Reserved => new Text("joins", new Style(Color.Yellow)),
        MachineStatus.Quarantined => new Text("left", new Style(Color.Red)),
        _ => new Text(standby ?? status.ToString().ToLowerInvariant(), new Style(Color.Grey)),
    };

    private static string Sparkline(IReadOnlyList<float> losses)
    {
        if (losses.Count == 0) return "";
        var (low, high) = (losses.Min(), losses.Max());
        var width = Math.Min(SparklineWidth, losses.Count);
        return string.Concat(Enumerable.Range(0, width).Select(column =>
        {
            var loss = losses[(int)((long)column * losses.Count / width)];
            return Bars[high > low ? (int)((loss - low) / (high - low) * (Bars.Length - 1)) : 0];
        }));
    }

    private sealed class NoteList(LiveView view) : IProgress<string>
    {
        public void Report(string value)
        {
            lock (view._gate) view._notes.Add(value);
        }
    }
}
