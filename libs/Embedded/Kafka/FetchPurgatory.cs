namespace TrainMover.Embedded;

/// <summary>Where fetches wait that found nothing, until something is produced to one of their topics. Kafka's brokers call it the same.</summary>
internal sealed class FetchPurgatory
{
    private readonly Lock _gate = new();
    private readonly List<DelayedFetch> _delayed = [];

    /// <summary>Counts what is produced from now on, so that nothing can slip in between looking and waiting.</summary>
    public DelayedFetch Enter(IReadOnlyList<string> topics)
    {
        var delayed = new DelayedFetch(this, topics);
        lock (_gate)
            _delayed.Add(delayed);
        return delayed;
    }

    /// <summary>Something was produced to these topics.</summary>
    public void Produced(IReadOnlyList<string> topics)
    {
        lock (_gate)
        {
            foreach (var delayed in _delayed.Where(one => one.Topics.Any(topics.Contains)))
                delayed.Wake();
        }
    }

    /// <summary>Something happened that every fetch must see.</summary>
    public void WakeAll()
    {
        lock (_gate)
            _delayed.ForEach(delayed => delayed.Wake());
    }

    /// <summary>A fetch that may have to wait.</summary>
    internal sealed class DelayedFetch(FetchPurgatory purgatory, IReadOnlyList<string> topics) : IDisposable
    {
        private readonly SemaphoreSlim _produced = new(0);

        public IReadOnlyList<string> Topics { get; } = topics;

        /// <summary>Waits until something was produced since it entered, or since the last wait ended; false when the time is over.</summary>
        public bool Wait(TimeSpan time)
        {
            if (!_produced.Wait(time))
                return false;
            while (_produced.Wait(0))
            {
                // What came together is looked for together.
            }

            return true;
        }

        public void Wake() => _produced.Release();

        public void Dispose()
        {
            lock (purgatory._gate)
                purgatory._delayed.Remove(this);
            _produced.Dispose();
        }
    }
}
