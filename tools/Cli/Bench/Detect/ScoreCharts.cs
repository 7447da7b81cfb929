using ScottPlot;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Draws scores against labels.</summary>
internal static class ScoreCharts
{
    private const int Width = 1400;
    private const int Height = 400;

    // A score far above the threshold would flatten all others.
    private const double TallestThresholds = 4;

    public static void Write(string folder, IReadOnlyList<ScorePlot> plots)
    {
        Directory.CreateDirectory(folder);
        foreach (var plot in plots)
        {
            using var chart = new Plot();
            var tallest = TallestThresholds * plot.Threshold;
            foreach (var (first, last) in plot.Labels) chart.Add.HorizontalSpan(first, last + 1, Colors.Orange.WithAlpha(0.35)).LegendText = "";
            chart.Add.Signal(plot.Scores.Select(score => Math.Min(score, tallest)).ToArray()).LegendText = "score";
            chart.Add.HorizontalLine(plot.Threshold, color: Colors.Red).LegendText = "threshold";
            chart.Title(plot.Title);
            chart.XLabel("sample (labelled ones are shaded)");
            chart.Axes.SetLimitsY(0, tallest);
            chart.SavePng(Path.Combine(folder, $"{plot.Name}.png"), Width, Height);
        }
    }
}
