using ScottPlot;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Story;

/// <summary>Draws one migration: what each machine did while training went on, and in the pause.</summary>
internal static class MigrationFigure
{
    private const int Width = 1200;
    private const int RowHeight = 44;
    private const int Margins = 260;
    private const double BarHalf = 0.32;
    private static readonly Color Training = Colors.LightGray;

    public static void Write(MigrationStory story, string file)
    {
        if (story is not { StoppedNs: { } stopped, ResumedNs: { } resumed }) throw new CommandLine.BadInputException($"{story.Plan.MigrationId} never stopped training: there is no pause to draw.");
        var machines = story.Plan.From.Machines.Union(story.Plan.To.Machines, StringComparer.Ordinal).ToList();
        var picture = new Multiplot();
        picture.AddPlots(2);
        Before(picture.GetPlot(0), story, machines, stopped);
        Pause(picture.GetPlot(1), story, machines, stopped, resumed);
        picture.SavePng(file, Width, Margins + (2 * RowHeight * machines.Count));
    }

    private static void Before(Plot plot, MigrationStory story, List<string> machines, long stopped)
    {
        double Seconds(long at) => (at - story.Origin) / 1e9;

        var bars = new Bars(plot, machines);
        var end = Math.Max(Seconds(stopped), story.IsUnexpected ? (story.ResumedNs!.Value - story.Origin) / 1e9 : 0);
        foreach (var machine in story.Plan.From.Machines.Where(machine => !story.IsUnexpected || !story.State.Leavers.Contains(machine))) bars.Add("trains", machine, 0, Seconds(stopped), Training);
        var prepared = story.At<PreparationStarted>(_ => true);
        foreach (var (machine, ready) in story.State.Ready)
        {
            var done = Seconds(story.At<ParticipantReady>(one => one.MachineId == machine));
            bars.Add(
                story.State.Joiners.Contains(machine) ? "joiner prepares (shadow iteration)" : story.State.Leavers.Contains(machine) && !story.IsUnexpected ? "leaver is followed" : "stayer prepares",
                machine, Math.Max(Seconds(prepared), done - (ready.PrepareMs / 1e3)), done,
                story.State.Joiners.Contains(machine) ? Colors.SteelBlue : story.State.Leavers.Contains(machine) ? Colors.MediumPurple : Colors.DarkSeaGreen);
        }

        plot.Title($"{story.Plan.MigrationId}, {(story.IsUnexpected ? "unexpected" : "expected")}, {StoryTables.Moves(story.Plan)}: from {(story.IsUnexpected ? "the fault" : "the notice")} on");
        bars.Finish("seconds", 0, end * 1.02);
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

        plot.Title($"the pause: {story.PauseMs:0.0} ms");
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
