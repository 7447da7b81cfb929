namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>What was seen, in order, and a bounded wait for what is still to come.</summary>
internal sealed class Sightings
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Lock _gate = new();
    private readonly List<object> _all = [];
    private TaskCompletionSource _changed = NewSignal();

    public void Add(object seen)
    {
        lock (_gate)
        {
            _all.Add(seen);
            var changed = _changed;
            _changed = NewSignal();
            changed.TrySetResult();
        }
    }

    public IReadOnlyList<T> Of<T>()
    {
        lock (_gate)
            return [.. _all.OfType<T>()];
    }

    public async Task<T> FirstAsync<T>(Func<T, bool>? which = null) => (await FirstAsync(1, which))[0];

    /// <summary>The first so many of their kind.</summary>
    public async Task<IReadOnlyList<T>> FirstAsync<T>(int count, Func<T, bool>? which = null)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            Task changed;
            lock (_gate)
                changed = _changed.Task;
            var found = Of<T>().Where(one => which?.Invoke(one) != false).Take(count).ToList();
            if (found.Count == count)
                return found;
            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException over)
            {
                throw new TimeoutException($"{found.Count} of {count} {typeof(T).Name} within {Patience}. Last seen:\n  {string.Join("\n  ", Of<object>().TakeLast(12))}", over);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
