using TrainMover.Contracts.Progress;
using TrainMover.Domain.Migrations;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Executor;

/// <summary>What the Executor does about the facts that reach it.</summary>
public sealed class ExecutorFacts(DecisionRunner runner, OrderSender orders, TimeProvider clock)
{
    public async Task OnReportAsync(Fact fact, MachineReport report, CancellationToken ct)
    {
        await runner.DecideAsync(fact, world => Domain.Migrations.Executor.OnReport(world, report), ct);
        if (report is Announced announced)
            await orders.SendAsync(await runner.ReadAsync(world => Orders.Open(announced, world), ct), ct);
    }

    /// <summary>An event of a job or migration, this service's own ones included: orders that follow from it are sent unless they were, then the next step is taken.</summary>
    public async Task OnEventAsync(Fact fact, object @event, CancellationToken ct)
    {
        await orders.SendAsync(fact.Id!, await runner.ReadAsync(world => Orders.For(@event, world), ct), ct);
        await OnChangeAsync(fact, ct);
    }

    public async Task OnChangeAsync(Fact fact, CancellationToken ct) =>
        await runner.DecideAsync(fact, world => Domain.Migrations.Executor.OnChange(world, clock.GetUtcNow()), ct);
}
