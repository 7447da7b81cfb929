namespace TrainMover.Cli.Bench.Detect;

/// <summary>How one detector does on one type of fault.</summary>
/// <param name="Data">Where the cases come from.</param>
/// <param name="Detector">Detector.</param>
/// <param name="Fault">Type of fault.</param>
/// <param name="Faults">Faults in the data.</param>
/// <param name="Found">Faults that were raised.</param>
/// <param name="FalseAlarms">What was raised and is no fault.</param>
/// <param name="FalseAlarmsPerMachineDay">The same per machine and day; null where the data has no clock.</param>
/// <param name="MedianDelay">Median time from the begin of a fault until it is raised, for people; null where nothing was found.</param>
internal sealed record ScorecardRow(
    string Data, string Detector, string Fault, int Faults, int Found, int FalseAlarms, double? FalseAlarmsPerMachineDay, string? MedianDelay)
{
    /// <summary>The same delay, that one fault in ten exceeds; null where too few were found.</summary>
    public string? HighDelay { get; init; }

    /// <summary>False alarms per machine-day; null where no time passed.</summary>
    public static double? Rate(int falseAlarms, double days) => days > 0 ? falseAlarms / days : null;

    public double? Precision => Found + FalseAlarms == 0 ? null : (double)Found / (Found + FalseAlarms);

    public double? Recall => Faults == 0 ? null : (double)Found / Faults;
}

/// <summary>A figure that has to be reached.</summary>
internal sealed record Bar(string Name, string Seen, bool Met);

/// <summary>What a part of the bench found: rows of the scorecard, bars, details for the JSON file, and plots.</summary>
internal sealed record Measured(IReadOnlyList<ScorecardRow> Rows, IReadOnlyList<Bar> Bars, object Details, IReadOnlyList<ScorePlot> Plots);

/// <summary>Scores against labels.</summary>
/// <param name="Name">Name of the file.</param>
/// <param name="Title">Title.</param>
/// <param name="Scores">Score of each sample.</param>
/// <param name="Threshold">Threshold.</param>
/// <param name="Labels">Labelled samples, first and last.</param>
internal sealed record ScorePlot(string Name, string Title, IReadOnlyList<double> Scores, double Threshold, IReadOnlyList<(int First, int Last)> Labels);
