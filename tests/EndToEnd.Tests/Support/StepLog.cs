using System.Collections.Concurrent;
using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Messaging;

namespace TrainMover.EndToEnd.Tests.Support;

/// <summary>Every completed step of a deployment, as a telemetry subscriber sees it.</summary>
internal sealed class StepLog : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<StepCompleted> _steps = new();
    private int _stops;
    private readonly Task _reading;

    public StepLog(KafkaOptions kafka)
    {
        var reader = new AssignedReader(kafka, new AssignedReaderOptions { Topics = [Topics.Telemetry], StartAt = StartAt.Beginning });
        _reading = Task.Run(async () =>
        {
            await foreach (var batch in reader.ReadAsync(_end.Token))
            {
                foreach (var body in batch.Select(message => message.Envelope.Data))
                {
                    if (body is StepCompleted step) _steps.Enqueue(step);
                    else if (body is PeerUnreachable) Interlocked.Increment(ref _stops);
                }
            }
        });
    }

    public IReadOnlyList<StepCompleted> Steps => [.. _steps];

    /// <summary>How often a rank stopped because it lost a peer.</summary>
    public int Stops => Volatile.Read(ref _stops);

    /// <summary>Median length of all steps so far, and the longest one completed since a monotonic time; milliseconds.</summary>
    public (double Median, double Longest) Lengths(long sinceNs)
    {
        var steps = Steps;
        return (steps.Select(step => step.Ms).Order().ElementAt(steps.Count / 2), steps.Where(step => step.MonotonicNs >= sinceNs).Select(step => step.Ms).DefaultIfEmpty(0).Max());
    }

    /// <summary>Loss bits by step; a step that two ranks or generations tell differently is a failure.</summary>
    public SortedDictionary<long, uint> Losses()
    {
        var losses = new SortedDictionary<long, uint>();
        foreach (var step in Steps)
        {
            if (losses.TryGetValue(step.Step, out var known)) known.ShouldBe(step.LossBits, $"loss of step {step.Step}, rank {step.Rank}, generation {step.Generation}");
            losses[step.Step] = step.LossBits;
        }

        return losses;
    }

    /// <summary>Waits until some rank has completed a step of a generation, or beyond.</summary>
    public async Task ReachAsync(long step, int generation = 1, TimeSpan? deadline = null)
    {
        using var limit = new CancellationTokenSource(deadline ?? TimeSpan.FromSeconds(60));
        while (!_steps.Any(one => one.Step >= step && one.Generation >= generation))
        {
            try
            {
                await Task.Delay(20, limit.Token);
            }
            catch (OperationCanceledException late)
            {
                throw new TimeoutException($"Waited in vain for step {step} in generation {generation}; the last one is {_steps.LastOrDefault()}.", late);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _reading.ContinueWith(_ => { }, TaskScheduler.Default);
        _end.Dispose();
    }
}
