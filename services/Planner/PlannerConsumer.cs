using MassTransit;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Consuming;

namespace TrainMover.Planner;

/// <summary>Interruptions, as the Detector recorded them. One that is not in the log yet (a foreign detector's) waits until the Detector has put it there.</summary>
public sealed class InterruptionConsumer(PlannerFacts facts) : IConsumer<Received<InterruptionRaised>>
{
    public Task Consume(ConsumeContext<Received<InterruptionRaised>> context) =>
        context.Message.Envelope.Sequence is null ? Task.CompletedTask : facts.OnChangeAsync(context.Message.Envelope.ToFact(), context.CancellationToken);
}

/// <summary>Jobs that were handed in, and migrations that ended.</summary>
public sealed class MigrationConsumer(PlannerFacts facts) :
    IConsumer<Received<JobSubmitted>>, IConsumer<Received<MigrationCompleted>>, IConsumer<Received<MigrationAborted>>, IConsumer<Received<SwitchAgreed>>
{
    public Task Consume(ConsumeContext<Received<JobSubmitted>> context) => OnChangeAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationCompleted>> context) => OnChangeAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationAborted>> context) => OnChangeAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<SwitchAgreed>> context) => OnChangeAsync(context.Message.Envelope, context.CancellationToken);

    private Task OnChangeAsync(Envelope envelope, CancellationToken ct) => facts.OnChangeAsync(envelope.ToFact(), ct);
}

/// <summary>What machines report.</summary>
public sealed class ReportConsumer(PlannerFacts facts) : IConsumer<Received<AgentReport>>
{
    public Task Consume(ConsumeContext<Received<AgentReport>> context) =>
        facts.OnReportAsync(context.Message.Envelope.ToFact(), context.Message.Data.Report, context.CancellationToken);
}
