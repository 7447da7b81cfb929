using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Demo;

/// <summary>What <c>demo --report FILE</c> writes.</summary>
internal sealed record DemoReport(
    ReportedJob Job,
    IReadOnlyList<ReportedStep> Steps,
    IReadOnlyList<ReportedMigration> Migrations,
    ReportedEfficiency Efficiency,
    ReportedReference Reference,
    ReportedAudit Audit)
{
    private static readonly JsonSerializerOptions Indented = new(Catalog.Json) { WriteIndented = true, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.Never };

    public Task WriteAsync(string file, CancellationToken ct) => File.WriteAllTextAsync(file, JsonSerializer.Serialize(this, Indented) + "\n", ct);

    /// <summary>What a good run must show and this one does not; empty when all is well.</summary>
    public IReadOnlyList<string> Shortcomings()
    {
        var found = new List<string>();
        foreach (var kind in (string[])["expected", "unexpected"])
        {
            if (Migrations.Count(migration => migration.Kind == kind && migration.Outcome == "completed") != 1) found.Add($"not exactly one {kind} migration completed");
        }

        found.AddRange(Migrations.Where(migration => migration.Outcome != "completed").Select(migration => $"migration {migration.Id} was {migration.Outcome}"));
        found.AddRange(Migrations.Where(migration => migration.LostSteps != 0).Select(migration => $"migration {migration.Id} lost {migration.LostSteps} steps"));
        found.AddRange(Migrations.Where(migration => migration.StayerDeviceBytes != 0).Select(migration => $"migration {migration.Id} allocated {migration.StayerDeviceBytes} bytes on stayers"));
        if (Steps.Count != Job.Steps) found.Add($"{Steps.Count} of {Job.Steps} steps were seen");
        if (!Reference.BitIdentical) found.Add($"losses or digests differ from the uninterrupted run{(Reference.FirstDifferingStep is { } step ? $" (first at step {step})" : "")}");
        if (!Audit.ChainVerified) found.Add("the event log does not verify");
        if (Audit.Unpublished != 0) found.Add($"{Audit.Unpublished} events were not published");
        return found;
    }
}

internal sealed record ReportedJob(string Id, JobLayout Layout, int Steps, long Parameters);

internal sealed record ReportedStep(long Step, float Loss, double Ms);

internal sealed record ReportedPhase(string Name, double StartMs, double Ms);

internal sealed record ReportedMigration(
    string Id,
    string Kind,
    string Leaver,
    string Joiner,
    string Reason,
    string StateSource,
    double DetectionMs,
    double PauseMs,
    double MedianStepMs,
    double GapMs,
    IReadOnlyList<ReportedPhase> Phases,
    long LostSteps,
    ConnectionDelta Connections,
    long StateBytes,
    long StayerDeviceBytes,
    string Outcome);

internal sealed record ReportedEfficiency(double WallSeconds, double PauseSeconds, double Ettr);

internal sealed record ReportedDigest(int Rank, string Run, string Reference);

internal sealed record ReportedReference(bool BitIdentical, long? FirstDifferingStep, IReadOnlyList<ReportedDigest> Digests);

internal sealed record ReportedAudit(long Events, bool ChainVerified, long Unpublished);
