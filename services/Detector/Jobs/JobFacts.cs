using System.Collections.Concurrent;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Live.Jobs;
using TrainMover.Detection.Running;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Detector.Jobs;

/// <summary>What the Detector does about what running jobs say. The windows have one owner at a time.</summary>
public sealed class JobFacts(DecisionRunner runner, JobWindows windows, TimeProvider clock, ILogger<JobFacts> logger) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<JobFinding> _waiting = new();
    private readonly SemaphoreSlim _recording = new(1);
    private DateTimeOffset _listened = DateTimeOffset.MinValue;

    /// <summary>Takes in what jobs are watched by. Returns whether nobody else needs the message.</summary>
    public async Task<bool> ObserveAsync(Fact fact, object body, CancellationToken ct)
    {
        switch (body)
        {
            case StepCompleted step:
                if (Locked(() => windows.IsUnknown(step)))
                {
                    await FollowAsync(ct);
                    lock (_gate) windows.LookedUp(step);
                }

                await RecordAsync(Locked(() => windows.Take(new SeenIn(fact.Source, fact.Id!), step, Now())), ct);
                return true;
            case RankWaiting waiting:
                lock (_gate) windows.Take(new SeenIn(fact.Source, fact.Id!), waiting, Now());
                return true;
            case Heartbeat heartbeat:
                await RecordAsync(Locked(() => windows.Take(new SeenIn(fact.Source, fact.Id!), heartbeat, Now())), ct);
                return false;
            default:
                return false;
        }
    }

    /// <summary>Changes what jobs are judged by.</summary>
    public async Task UseAsync(JobWatchSettings settings, CancellationToken ct)
    {
        lock (_gate) windows.Use(settings);
        await FollowAsync(ct);
    }

    /// <summary>A job started or ended, or a migration of it did: the log says which.</summary>
    public async Task FollowAsync(CancellationToken ct) => await runner.ReadAsync(
        world => Locked(() =>
        {
            windows.Follow(world);
            return true;
        }),
        ct);

    /// <summary>All telemetry up to this moment took effect.</summary>
    public void Listened(DateTimeOffset until)
    {
        lock (_gate) _listened = until > _listened ? until : _listened;
    }

    /// <inheritdoc/>
    public void Dispose() => _recording.Dispose();

    /// <summary>Looks at the clock, as far as somebody listened.</summary>
    public Task TickAsync(CancellationToken ct) => RecordAsync(Locked(() => _listened == DateTimeOffset.MinValue ? [] : windows.Look(_listened - DateTimeOffset.UnixEpoch)), ct);

    // What the log could not take is found once only: it waits here for the next look.
    private async Task RecordAsync(IReadOnlyList<JobFinding> findings, CancellationToken ct)
    {
        foreach (var found in findings)
        {
            logger.LogInformation("Job {JobId}, generation {Generation}: {Detector}: {Reason}", found.JobId, found.Generation, found.Finding.Detector, found.Finding.Reason);
            if (found.IsRecorded) _waiting.Enqueue(found);
        }

        if (_waiting.IsEmpty) return;
        await _recording.WaitAsync(ct);
        try
        {
            while (_waiting.TryPeek(out var found))
            {
                // The message leaves no mark, as others rest on it too: the interruption's id keeps it from being raised twice.
                await runner.DecideAsync(new Fact(found.Observation.Source, CorrelationId: found.Observation.MessageId), found.Decide, ct);
                _waiting.TryDequeue(out _);
            }
        }
        finally
        {
            _recording.Release();
        }
    }

    private TimeSpan Now() => clock.GetUtcNow() - DateTimeOffset.UnixEpoch;

    private TResult Locked<TResult>(Func<TResult> read)
    {
        lock (_gate) return read();
    }
}
