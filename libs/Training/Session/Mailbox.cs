using System.Diagnostics;

namespace TrainMover.Training.Session;

/// <summary>
/// Ordered items for one waiting thread, which is woken by whoever posts. It waits without spinning first, as the collections of the framework do: on shared cores it would keep those from their turn that it waits for.
/// </summary>
internal sealed class Mailbox<T>
    where T : class
{
    private readonly Queue<T> _items = new();
    private bool _closed;

    /// <summary>Without effect once it is closed.</summary>
    public void Post(T item)
    {
        lock (_items)
        {
            if (_closed)
                return;
            _items.Enqueue(item);
            Monitor.Pulse(_items);
        }
    }

    /// <summary>What was posted is still taken.</summary>
    public void Close()
    {
        lock (_items)
        {
            _closed = true;
            Monitor.PulseAll(_items);
        }
    }

    /// <summary>The next item, or null when <paramref name="patience"/> is over, or it is closed and empty; null patience waits for as long as it takes.</summary>
    public T? Take(TimeSpan? patience = null)
    {
        var began = Stopwatch.GetTimestamp();
        lock (_items)
        {
            T? item;
            while (!_items.TryDequeue(out item) && !_closed)
            {
                var left = patience - Stopwatch.GetElapsedTime(began) ?? Timeout.InfiniteTimeSpan;
                if (patience is not null && left <= TimeSpan.Zero)
                    break;
                Monitor.Wait(_items, left);
            }

            return item;
        }
    }
}
