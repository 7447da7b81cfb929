using System.Collections.Immutable;

namespace TrainMover.EventLog.Tests;

/// <summary>Keeps what is published, in order; fails where a test says so.</summary>
internal sealed class RecordingPublisher : IEventPublisher
{
    private readonly Lock _lock = new();
    private ImmutableList<LoggedEvent> _published = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Func<LoggedEvent, Exception?> Fails { get; set; } = _ => null;

    public ImmutableList<LoggedEvent> Published => Volatile.Read(ref _published);

    public int Attempts { get; private set; }

    public IEnumerable<long> Sequences => Published.Select(one => one.Sequence);

    public Task PublishAsync(LoggedEvent logged, CancellationToken ct)
    {
        lock (_lock)
        {
            Attempts++;
            var failure = Fails(logged);
            if (failure is null)
                _published = _published.Add(logged);
            var changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
            return failure is null ? Task.CompletedTask : Task.FromException(failure);
        }
    }

    public Task UntilPublishedAsync(int count) => UntilAsync($"{count} events published", () => Published.Count >= count);

    public Task UntilAttemptedAsync(int count) => UntilAsync($"{count} attempts", () => Attempts >= count);

    private async Task UntilAsync(string what, Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (holds())
                    return;
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException late)
            {
                throw new TimeoutException($"Waited 15 s for {what}; published {Published.Count}, attempts {Attempts}.", late);
            }
        }
    }
}
