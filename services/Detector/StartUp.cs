using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Hosting;

namespace TrainMover.Detector;

/// <summary>Resolves what was answered while no Detector ran.</summary>
public sealed class StartUp(DetectorFacts facts, ILogger<StartUp> logger) : OnceLogAnswers(logger)
{
    protected override Task RunOnceAsync(CancellationToken ct) => facts.ResolveAsync(new Fact("/trainmover/detector/start"), ct);
}
