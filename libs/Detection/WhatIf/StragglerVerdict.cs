using System.Globalization;
using TrainMover.Detection.Findings;

namespace TrainMover.Detection.WhatIf;

/// <summary>Settings of <see cref="StragglerVerdict"/>.</summary>
public sealed record StragglerVerdictSettings : DetectorSettings
{
    /// <summary>Slowdown of the job below which there is nothing to tell. Default 1.05.</summary>
    public double Slowdown { get; init; } = 1.05;

    /// <summary>Part of the slowdown that a cause has to explain. Default 0.5.</summary>
    public double Share { get; init; } = 0.5;

    /// <summary>How much slower than its peers on the same stage a worker has to be. Default 1.1.</summary>
    public double AgainstPeers { get; init; } = 1.1;

    /// <summary>Part of the steps in which it has to be the slowest: work that is uneven by chance hits another worker each time. Default 0.8.</summary>
    public double SlowSteps { get; init; } = 0.8;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        _ when !(Slowdown > 1) => $"Slowdown is {Slowdown}; it is above 1.",
        _ when !(Share is > 0 and <= 1) => $"Share is {Share}; it is in 0..1.",
        _ when !(AgainstPeers > 1) => $"AgainstPeers is {AgainstPeers}; it is above 1.",
        _ when !(SlowSteps is > 0 and <= 1) => $"SlowSteps is {SlowSteps}; it is in 0..1.",
        _ => null,
    };
}

/// <summary>Says what a slowdown is due to: slow workers (replace them), uneven stages, or uneven work (neither is a fault of a machine).</summary>
public static class StragglerVerdict
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "what-if";

    /// <summary>Judges an analysis.</summary>
    /// <returns>Slow workers, or the one other cause; nothing where the job is as fast as it can be.</returns>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public static IReadOnlyList<Finding> Of(SlowdownAnalysis analysis, StragglerVerdictSettings? settings = null)
    {
        settings ??= new StragglerVerdictSettings();
        settings.Require();
        if (analysis.Slowdown < settings.Slowdown) return [];

        var isSlow = analysis.Workers.Where(worker => worker.AgainstPeers >= settings.AgainstPeers && worker.SlowSteps >= settings.SlowSteps && worker.Slowdown >= settings.Slowdown).ToList();
        var workers = analysis.SlowestWorkersShare >= settings.Share ? isSlow : [];
        if (workers.Count > 0) return [.. workers.Select(worker => SlowWorker(analysis, worker, settings))];
        return analysis.LastStageShare >= settings.Share ? [UnevenStages(analysis, settings)] : [WorkloadSkew(analysis, settings)];
    }

    private static Finding SlowWorker(SlowdownAnalysis analysis, WorkerSlowdown worker, StragglerVerdictSettings settings) => new(
        Name, FindingKind.SlowWorker, $"{worker.Rank}", analysis.Steps,
        string.Create(CultureInfo.InvariantCulture, $"Rank {worker.Rank} computes {worker.AgainstPeers:0.00} times as long as its peers on stage {worker.Stage} and slows the job {worker.Slowdown:0.00} times."),
        new FindingEvidence(
            Samples(analysis, worker),
            [
                string.Create(CultureInfo.InvariantCulture, $"Uneven stages: without the last stage's surplus {analysis.LastStageShare:P0} of the slowdown goes away; its peers on stage {worker.Stage} have the same layers."),
                string.Create(CultureInfo.InvariantCulture, $"Uneven work: it was the slowest of its peers in {worker.SlowSteps:P0} of {analysis.Steps} steps."),
                string.Create(CultureInfo.InvariantCulture, $"Delays on the host: they slow the job {analysis.HostSlowdown:0.000} times."),
            ],
            settings.Version),
        AsksForMigration: true);

    private static Finding UnevenStages(SlowdownAnalysis analysis, StragglerVerdictSettings settings)
    {
        var stage = analysis.ByStage.MaxBy(one => one.Value);
        return new Finding(
            Name, FindingKind.UnevenStages, $"stage {stage.Key}", analysis.Steps,
            string.Create(CultureInfo.InvariantCulture, $"Stage {stage.Key} has more work than the others and slows the job {stage.Value:0.00} times: balance the stages, no machine is at fault."),
            new FindingEvidence(Samples(analysis, analysis.Workers[0]), [NoSlowWorker(analysis, settings)], settings.Version),
            AsksForMigration: false);
    }

    private static Finding WorkloadSkew(SlowdownAnalysis analysis, StragglerVerdictSettings settings)
    {
        var type = analysis.ByType.MaxBy(one => one.Value);
        return new Finding(
            Name, FindingKind.WorkloadSkew, type.Key, analysis.Steps,
            string.Create(CultureInfo.InvariantCulture, $"{type.Key} varies between workers and steps and slows the job {type.Value:0.00} times: balance the work, no machine is at fault."),
            new FindingEvidence(
                Samples(analysis, analysis.Workers[0]),
                [NoSlowWorker(analysis, settings), string.Create(CultureInfo.InvariantCulture, $"Uneven stages: without the last stage's surplus {analysis.LastStageShare:P0} of the slowdown goes away.")],
                settings.Version),
            AsksForMigration: false);
    }

    private static string NoSlowWorker(SlowdownAnalysis analysis, StragglerVerdictSettings settings)
    {
        var slowest = analysis.Workers.MaxBy(worker => worker.AgainstPeers)!;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"A slow worker: the slowest workers explain {analysis.SlowestWorkersShare:P0} of the slowdown, and rank {slowest.Rank}, the slowest against its peers on the same stage, takes {slowest.AgainstPeers:0.00} times as long ({settings.AgainstPeers:0.00} in {settings.SlowSteps:P0} of the steps would count, it was the slowest in {slowest.SlowSteps:P0}).");
    }

    private static IReadOnlyList<EvidenceSample> Samples(SlowdownAnalysis analysis, WorkerSlowdown worker) =>
    [
        new(analysis.Steps, "seconds per step", analysis.SimulatedSeconds, analysis.IdealSeconds),
        new(analysis.Steps, $"computation of rank {worker.Rank} against its peers", worker.AgainstPeers, 1),
        new(analysis.Steps, "part of the slowdown due to the slowest workers", analysis.SlowestWorkersShare, 0),
        new(analysis.Steps, "part of the slowdown due to the last stage", analysis.LastStageShare, 0),
    ];
}
