using TrainMover.Domain;
using TrainMover.EventLog;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Executor;

/// <summary>Wakes up when the deadline of an open migration passes; rebuilt from the log at start.</summary>
public sealed class DeadlineWatch(DecisionRunner runner, ExecutorFacts facts, Wake wake, TimeProvider clock, ILogger<DeadlineWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = Retry;
            try
            {
                await facts.OnChangeAsync(new Fact("/executor/deadlines"), stoppingToken);
                var next = await runner.ReadAsync(Domain.Migrations.Executor.NextDeadline, stoppingToken);
                wait = next is null ? Longest : TimeSpan.FromTicks(Math.Clamp((next.Value - clock.GetUtcNow()).Ticks, 0, Longest.Ticks));
            }
            catch (EventLogUnavailableException unavailable)
            {
                logger.LogWarning("Deadlines are looked at again in {Seconds} s: {Reason}", Retry.TotalSeconds, unavailable.Message);
            }

            await wake.WaitAsync(wait, stoppingToken);
        }
    }
}

/// <summary>Ends the wait of <see cref="DeadlineWatch"/> when a commit may have brought an earlier deadline.</summary>
public sealed class Wake : ICommitted, IDisposable
{
    private readonly SemaphoreSlim _changed = new(0);

    public Task CommittedAsync(IReadOnlyList<LoggedEvent> events, World world, CancellationToken ct)
    {
        _changed.Release();
        return Task.CompletedTask;
    }

    public Task WaitAsync(TimeSpan longest, CancellationToken ct) => _changed.WaitAsync(longest, ct);

    public void Dispose() => _changed.Dispose();
}
