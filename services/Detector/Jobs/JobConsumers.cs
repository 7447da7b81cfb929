using MassTransit;
using TrainMover.Contracts.Jobs;
using TrainMover.Messaging;

namespace TrainMover.Detector.Jobs;

/// <summary>Whatever changes who trains a job, or whether a migration of it is prepared.</summary>
public sealed class JobConsumer(JobFacts facts)
    : IConsumer<Received<JobStarted>>, IConsumer<Received<JobMigrationOpened>>, IConsumer<Received<JobMigrationClosed>>, IConsumer<Received<JobCompleted>>
{
    public Task Consume(ConsumeContext<Received<JobStarted>> context) => facts.FollowAsync(context.CancellationToken);

    public Task Consume(ConsumeContext<Received<JobMigrationOpened>> context) => facts.FollowAsync(context.CancellationToken);

    public Task Consume(ConsumeContext<Received<JobMigrationClosed>> context) => facts.FollowAsync(context.CancellationToken);

    public Task Consume(ConsumeContext<Received<JobCompleted>> context) => facts.FollowAsync(context.CancellationToken);
}
