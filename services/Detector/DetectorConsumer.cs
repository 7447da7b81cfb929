using MassTransit;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Detector.Tuning;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Consuming;

namespace TrainMover.Detector;

/// <summary>Migrations that completed answer interruptions.</summary>
public sealed class MigrationConsumer(DetectorFacts facts) : IConsumer<Received<MigrationCompleted>>
{
    public Task Consume(ConsumeContext<Received<MigrationCompleted>> context) =>
        facts.ResolveAsync(context.Message.Envelope.ToFact(), context.CancellationToken);
}

/// <summary>Interruptions that somebody else raised: they have no place in the log yet, and get one.</summary>
public sealed class ForeignInterruptionConsumer(DetectorFacts facts) : IConsumer<Received<InterruptionRaised>>
{
    public Task Consume(ConsumeContext<Received<InterruptionRaised>> context) => context.Message.Envelope.Sequence is null
        ? facts.RecordAsync(context.Message.Envelope.ToFact(), context.Message.Data, context.CancellationToken)
        : Task.CompletedTask;
}

/// <summary>Detectors that an operator tuned.</summary>
public sealed class TuningConsumer(TuningInForce tuning) : IConsumer<Received<DetectorTuned>>
{
    public Task Consume(ConsumeContext<Received<DetectorTuned>> context) => tuning.TakeAsync(context.CancellationToken);
}
