using ScottPlot;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Story;

/// <summary>Draws one migration: what each machine did while training went on, and in the pause.</summary>
internal static class MigrationFigure
{
    private const int Width = 1200;
    private const int RowHeight = 44;
    private const int Margins = 130;
    private const double BarHalf = 0.32;
    private static readonly Color Training = Colors.LightGray;

    public static void Write(MigrationStory story, string file)
    {
        if (story is not { StoppedNs: { } stopped, ResumedNs: { } resumed }) throw new CommandLine.BadInputException($"{story.Plan.MigrationId} never stopped training: there is no pause to draw.");
        var machines = story.Plan.From.Machines.Union(story.Plan.To.Machines, StringComparer.Ordinal).ToList();
        var picture = new Multiplot();
        // What led to an unexpected pause is part of it.
        var plots = story.IsUnexpected ? 1 : 2;
        picture.AddPlots(plots);
        if (!story.IsUnexpected) Before(picture.GetPlot(0), story, machines, stopped);
        Pause(picture.GetPlot(plots - 1), story, machines, stopped, resumed);
        picture.SavePng(file, Width, plots * (Margins + (RowHeight * machines.Count)));
    }

    private static void Before(Plot plot, MigrationStory story, List<string> machines, long stopped)
    {
        double Seconds(long at) => (at - story.Origin) / 1e9;

        var bars = new Bars(plot, machines);
        foreach (var machine in story.Plan.From.Machines) bars.Add("trains", machine, 0, Seconds(stopped), Training);
        var prepared = story.At<PreparationStarted>(_ => true);
        foreach (var (machine, ready) in story.State.Ready)
        {
            var done = Seconds(story.At<ParticipantReady>(one => one.MachineId == machine));
            var (name, colour) = story.State.Joiners.Contains(machine) ? ("joiner prepares (shadow iteration)", Colors.SteelBlue)
                : story.State.Leavers.Contains(machine) ? ("leaver prepares, and is followed", Colors.MediumPurple)
                : ("stayer prepares", Colors.DarkSeaGreen);
            bars.Add(name, machine, Math.Max(Seconds(prepared), done - (ready.PrepareMs / 1e3)), done, colour);
        }

        plot.Title($"{story.Plan.MigrationId}, {StoryTables.Moves(story.Plan)}: from the notice on, training goes on");
        bars.Finish("seconds", 0, Seconds(stopped) * 1.02);
    }

    private static void Pause(Plot plot, MigrationStory story, List<string> machines, long stopped, long resumed)
    {
        double Milliseconds(long at) => (at - stopped) / 1e6;

        Color[] colours = [Colors.IndianRed, Colors.SandyBrown, Colors.Gold, Colors.CadetBlue, Colors.Orchid];
        var names = story.State.Switched.Values.SelectMany(report => report.Phases).GroupBy(phase => phase.Name).OrderBy(group => group.Min(phase => phase.StartMonotonicNs)).Select(group => group.Key).ToList();
        var bars = new Bars(plot, machines);
        foreach (var (machine, report) in story.State.Switched)
        {
            foreach (var phase in report.Phases)
                bars.Add(phase.Name, machine, Milliseconds(phase.StartMonotonicNs), Milliseconds(Math.Min(phase.EndMonotonicNs, resumed)), colours[names.IndexOf(phase.Name) % colours.Length]);
        }

        plot.Title($"{(story.IsUnexpected ? $"{story.Plan.MigrationId}, {StoryTables.Moves(story.Plan)}: from the fault on" : "the pause")}, {story.PauseMs:0.0} ms");
        bars.Finish("milliseconds", 0, Milliseconds(resumed) * 1.02);
    }

    private sealed class Bars(Plot plot, List<string> machines)
    {
        private readonly HashSet<string> _named = new(StringComparer.Ordinal);

        public void Add(string name, string machine, double from, double to, Color colour)
        {
            var row = machines.Count - 1 - machines.IndexOf(machine);
            var bar = plot.Add.Rectangle(from, Math.Max(from, to), row - BarHalf, row + BarHalf);
            bar.FillColor = colour;
            bar.LineColor = Colors.White;
            if (_named.Add(name)) bar.LegendText = name;
        }

        public void Finish(string unit, double left, double right)
        {
            plot.Axes.Left.SetTicks([.. Enumerable.Range(0, machines.Count).Select(row => (double)row)], [.. machines.AsEnumerable().Reverse()]);
            plot.Axes.SetLimits(left, right, -0.6, machines.Count - 0.4);
            plot.XLabel(unit);
            plot.ShowLegend(Edge.Right);
        }
    }
}
