using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Hosting;

namespace TrainMover.Planner;

/// <summary>Does what became due while no Planner ran.</summary>
public sealed class StartUp(PlannerFacts facts, ILogger<StartUp> logger) : OnceLogAnswers(logger)
{
    protected override Task RunOnceAsync(CancellationToken ct) => facts.OnChangeAsync(new Fact("/trainmover/planner/start"), ct);
}
