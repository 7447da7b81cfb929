using System.Security.Cryptography;
using TrainMover.Contracts.Progress;
using TrainMover.Domain;
using TrainMover.Domain.Planning;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Planner;

/// <summary>What the Planner does about the facts that reach it.</summary>
public sealed class PlannerFacts(DecisionRunner runner, Domain.Planning.Planner planner, TimeProvider clock)
{
    private const int KeyBytes = 32;

    public Task OnReportAsync(Fact fact, MachineReport report, CancellationToken ct) => report switch
    {
        Announced announced => DecideAsync(fact, world => planner.OnAnnounced(world, announced, clock.GetUtcNow(), NewKey()), ct),
        WarmedUp warmedUp => DecideAsync(fact, world => planner.OnWarmedUp(world, warmedUp, clock.GetUtcNow(), NewKey()), ct),
        WorkerLost lost => DecideAsync(fact, world => planner.OnWorkerLost(world, lost, clock.GetUtcNow(), NewKey()), ct),
        CaughtUp caughtUp => DecideAsync(fact, world => Domain.Planning.Planner.OnCaughtUp(world, caughtUp), ct),
        Agreed or Switched => DecideAsync(fact, world => planner.OnSwitch(world, report, clock.GetUtcNow(), NewKey()), ct),
        Finished finished => DecideAsync(fact, world => Domain.Planning.Planner.OnFinished(world, finished), ct),
        _ => Task.CompletedTask,
    };

    public Task OnChangeAsync(Fact fact, CancellationToken ct) =>
        DecideAsync(fact, world => planner.OnChange(world, clock.GetUtcNow(), NewKey()), ct);

    private Task DecideAsync(Fact fact, Func<World, Decision> decide, CancellationToken ct) => runner.DecideAsync(fact, decide, ct);

    private static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeyBytes);
}
