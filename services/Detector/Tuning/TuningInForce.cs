using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Running;
using TrainMover.Detector.Jobs;
using TrainMover.Detector.Learned;
using TrainMover.Domain;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Interruptions;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Detector.Tuning;

/// <summary>Lets the detectors judge by the settings that the log holds: those of the configuration, until an operator says otherwise. (Modes are looked up where a decision is taken.)</summary>
public sealed class TuningInForce(
    DecisionRunner runner, DetectorFacts facts, JobFacts jobs, LearnedFacts learned, Detectors detectors, SourceWindow sources, IReadOnlyList<ConfiguredDetector> configured, TimeProvider clock, ILogger<TuningInForce> logger)
{
    /// <summary>Records what this process was started with, and takes up what holds now.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await runner.DecideAsync(new Fact("/trainmover/detector/start"), Configure, ct);
        var open = await runner.ReadAsync(world => world.Interruptions.Where(known => known.Status is InterruptionStatus.Open or InterruptionStatus.Suppressed).Select(known => known.Raised!).ToList(), ct);
        var held = await runner.ReadAsync(CommonCause.Held, ct);
        facts.Use(() =>
        {
            sources.Remember(open, clock.GetUtcNow());
            foreach (var finding in held) sources.Held.Hold(finding, clock.GetUtcNow());
        });
        learned.Remember(open);
        await TakeAsync(ct);
    }

    /// <summary>Takes up what the log says now.</summary>
    public async Task TakeAsync(CancellationToken ct)
    {
        var known = await runner.ReadAsync(world => configured.ToDictionary(detector => detector.Kind.Name, detector => world.Detector(detector.Kind.Name), StringComparer.Ordinal), ct);
        facts.Use(() =>
        {
            detectors.Use(Read(DetectorCatalogue.MachineLoss, known));
            sources.Use(Read(DetectorCatalogue.ErrorCodes, known), Read(DetectorCatalogue.Devices, known));
        });
        learned.Use(Read(DetectorCatalogue.LearnedMetrics, known), known[DetectorCatalogue.LearnedMetrics.Name].Mode);
        var watch = new JobWatchSettings
        {
            Peers = Read(DetectorCatalogue.PeerSlowdown, known),
            Job = Read(DetectorCatalogue.JobSlowdown, known),
            Loss = Read(DetectorCatalogue.Loss, known),
            Hang = Read(DetectorCatalogue.Hang, known),
        };
        await jobs.UseAsync(watch, ct);
    }

    private Decision Configure(World world)
    {
        var decision = new Decision(world);
        foreach (var (kind, mode, settings) in configured)
            decision.OnDetector(kind.Name, tuning => tuning.Configure(kind.Name, mode, settings, kind.IsFixed));
        return decision;
    }

    // Another version of this program may have written settings that this one refuses.
    private T Read<T>(DetectorKind<T> kind, Dictionary<string, DetectorTuning> known)
        where T : class, new()
    {
        try
        {
            return kind.Read(known[kind.Name].Settings);
        }
        catch (SettingsException wrong)
        {
            logger.LogError("Version {Version} of the settings of {Detector} cannot be used, so what is configured holds: {Reason}", known[kind.Name].Version, kind.Name, wrong.Message);
            return kind.Read(configured.Single(detector => detector.Kind == kind).Settings);
        }
    }
}
