namespace TrainMover.Training.Session;

/// <summary>What the commit of a step came to, alike on all ranks: what a rank that did not see it end needs to apply the step.</summary>
/// <param name="Norm">Global norm of the averaged gradient.</param>
/// <param name="Loss">Mean loss in nats per byte.</param>
public readonly record struct StepTotals(double Norm, float Loss);

/// <summary>What a survivor knows of the step during which the group failed.</summary>
/// <param name="Rank">The survivor's rank.</param>
/// <param name="CompletedSteps">Steps whose update it has applied.</param>
/// <param name="EnteredCommit">It entered the commit of the step after those, so it holds that step's reduced gradients.</param>
/// <param name="AgreedGeneration">Generation whose switch it saw agreed in a commit that passed; 0 for none.</param>
/// <param name="Totals">What the commit of the last completed step came to; null where it was not seen there.</param>
public sealed record StepReport(int Rank, long CompletedSteps, bool EnteredCommit, int AgreedGeneration, StepTotals? Totals = null);

/// <summary>How the survivors go on, the same on every one of them.</summary>
/// <param name="CompletedSteps">Steps that count as completed; training resumes with the next one.</param>
/// <param name="RollForward">Ranks that only entered the last commit and apply its update now, ascending.</param>
/// <param name="SwitchWasAgreed">Some survivor saw the switch agreed before the failure.</param>
/// <param name="Totals">What the commit of the last completed step came to, for those who roll forward; null where nobody saw it.</param>
public sealed record ResumePoint(long CompletedSteps, IReadOnlyList<int> RollForward, bool SwitchWasAgreed, StepTotals? Totals);

/// <summary>The survivors' reports cannot come from one run of the commit protocol.</summary>
/// <param name="message">Which reports disagree, and how.</param>
public sealed class StepAgreementException(string message) : Exception(message);

/// <summary>Decides, from the survivors' reports alone, which step a failed group resumes with.</summary>
public static class StepAgreement
{
    /// <summary>
    /// Nobody applies step k before all have entered its commit. So when any survivor passed it, all the others hold its reduced gradients
    /// and roll forward; when none did, all retry it.
    /// </summary>
    /// <param name="reports">One report of each survivor, in any order; at least one.</param>
    /// <param name="generation">Generation that is switched to.</param>
    /// <exception cref="StepAgreementException">A survivor lags without having entered the commit, or lags by more than one step, or nobody has what it needs.</exception>
    public static ResumePoint Decide(IReadOnlyCollection<StepReport> reports, int generation)
    {
        ArgumentNullException.ThrowIfNull(reports);
        if (reports.Count == 0)
            throw new StepAgreementException("No survivor reported.");

        var completed = reports.Max(report => report.CompletedSteps);
        foreach (var report in reports)
        {
            if (report.CompletedSteps == completed)
                continue;
            if (report.CompletedSteps < completed - 1 || !report.EnteredCommit)
            {
                throw new StepAgreementException(
                    $"Rank {report.Rank} completed {report.CompletedSteps} steps (commit entered: {report.EnteredCommit}) while another survivor completed {completed}.");
            }
        }

        int[] lagging = [.. reports.Where(report => report.CompletedSteps < completed).Select(report => report.Rank).Order()];
        var totals = reports.Where(report => report.CompletedSteps == completed).Select(report => report.Totals).FirstOrDefault(known => known is not null);
        if (lagging.Length > 0 && totals is null)
            throw new StepAgreementException($"Ranks {string.Join(", ", lagging)} lag by one step, and no survivor saw what its commit came to.");
        return new ResumePoint(completed, lagging, reports.Any(report => report.AgreedGeneration == generation), totals);
    }
}
