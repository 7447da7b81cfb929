using MassTransit;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Consuming;

namespace TrainMover.Executor;

/// <summary>Events from which orders or next steps follow.</summary>
public sealed class MigrationConsumer(ExecutorFacts facts) :
    IConsumer<Received<JobStarted>>, IConsumer<Received<StandbyAssigned>>, IConsumer<Received<StandbyArmed>>, IConsumer<Received<MigrationPlanned>>, IConsumer<Received<PreparationStarted>>,
    IConsumer<Received<SwitchOrdered>>, IConsumer<Received<MigrationEscalated>>, IConsumer<Received<AbortOrdered>>, IConsumer<Received<MigrationAborted>>,
    IConsumer<Received<MigrationCompleted>>
{
    public Task Consume(ConsumeContext<Received<JobStarted>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<StandbyAssigned>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<StandbyArmed>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationPlanned>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<PreparationStarted>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<SwitchOrdered>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationEscalated>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<AbortOrdered>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationAborted>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    public Task Consume(ConsumeContext<Received<MigrationCompleted>> context) => OnEventAsync(context.Message.Envelope, context.CancellationToken);

    private Task OnEventAsync(Envelope envelope, CancellationToken ct) => facts.OnEventAsync(envelope.ToFact(), envelope.Data, ct);
}

/// <summary>What machines report.</summary>
public sealed class ReportConsumer(ExecutorFacts facts) : IConsumer<Received<AgentReport>>
{
    public Task Consume(ConsumeContext<Received<AgentReport>> context) =>
        facts.OnReportAsync(context.Message.Envelope.ToFact(), context.Message.Data.Report, context.CancellationToken);
}
