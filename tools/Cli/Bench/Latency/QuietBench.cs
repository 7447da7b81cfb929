using System.Globalization;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;

namespace TrainMover.Cli.Bench.Latency;

/// <summary>What was raised in a healthy run.</summary>
/// <param name="Minutes">Length of the loaded part.</param>
/// <param name="Steps">Steps trained in it.</param>
/// <param name="Migrations">Migrations that were asked for.</param>
/// <param name="Uncaused">Interruptions that nobody caused.</param>
internal sealed record QuietReport(double Minutes, long Steps, int Migrations, IReadOnlyList<string> Uncaused)
{
    public bool Passed => Uncaused.Count == 0;
}

/// <summary>Healthy training while something else loads every core, with one machine replaced on notice half-way: nothing else may be raised.</summary>
internal static class QuietBench
{
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);

    public static async Task<QuietReport> RunAsync(Output output, Access access, TimeSpan length, CancellationToken ct)
    {
        var job = MigrateLayout.All[0].Job(MigrateSize.All[0]);
        (job.Id, job.Steps) = ("quiet", 1_000_000);
        await using var run = await TrainingRun.StartAsync(access, "quiet", job, null, output.Progress, ct, new RunSetup { StepsLimit = StepsLimit, Environment = RunSetup.NoQuarantine });
        await run.UntilWarmAsync(ct);
        var before = run.Watch.Steps.Completed;
        using var load = CoreLoad.Start(length + StepsLimit);
        output.Progress.Report(string.Create(CultureInfo.InvariantCulture, $"{length.TotalMinutes:0.#} minutes under load"));
        await Task.Delay(length / 2, ct);
        await run.MaintainAsync([run.Member(1)], output.Progress, ct);
        await Task.Delay(length / 2, ct);
        var caused = run.Watch.Look(world => world.Migrations.SelectMany(migration => migration.Interruptions).ToHashSet(StringComparer.Ordinal));
        var maintained = run.Raised().Where(known => known.Raised.Cause == Contracts.Interruptions.InterruptionCause.Maintenance).Select(known => known.Raised.InterruptionId).ToHashSet(StringComparer.Ordinal);
        return new QuietReport(
            length.TotalMinutes, run.Watch.Steps.Completed - before, caused.Count,
            [.. run.Raised().Where(known => !maintained.Contains(known.Raised.InterruptionId)).Select(known => $"{known.Raised.InterruptionId}: {known.Raised.Reason}")]);
    }

    public static void Tell(Output output, QuietReport report) => output.Line(string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Minutes:0.#} minutes and {report.Steps} steps under load, {report.Migrations} migration on notice; interruptions that nobody caused: {report.Uncaused.Count}. {string.Join(" ", report.Uncaused)}"));
}
