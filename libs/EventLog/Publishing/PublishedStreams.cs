using System.Collections.Concurrent;

namespace TrainMover.EventLog;

/// <summary>How far this process has published each stream: lets the direct way and the subscription share the work in order and without doubles.</summary>
internal sealed class PublishedStreams
{
    private const int MostRemembered = 8192;
    private readonly ConcurrentDictionary<string, Progress> _streams = new(StringComparer.Ordinal);

    /// <summary>Publishes unless this process has; one event of a stream at a time.</summary>
    public async Task PublishOnceAsync(LoggedEvent logged, IEventPublisher publisher, CancellationToken ct)
    {
        var progress = _streams.GetOrAdd(logged.Stream, _ => new Progress());
        using var turn = await progress.EnterAsync(ct);
        if (logged.Version <= progress.Version)
            return;
        await publisher.PublishAsync(logged, ct);
        progress.Set(logged);
    }

    /// <summary>Publishes only when the event before it in its stream is published, or there is none.</summary>
    /// <returns>Whether the event is published now.</returns>
    public async Task<bool> PublishNextAsync(LoggedEvent logged, IEventPublisher publisher, CancellationToken ct)
    {
        var progress = _streams.GetOrAdd(logged.Stream, _ => new Progress());
        using var turn = await progress.EnterAsync(ct);
        if (logged.Version <= progress.Version)
            return true;
        if (logged.Version != progress.Version + 1)
            return false;
        await publisher.PublishAsync(logged, ct);
        progress.Set(logged);
        return true;
    }

    /// <summary>Forgets everything: what was published must be published again.</summary>
    public void Clear() => _streams.Clear();

    /// <summary>Keeps the memory bounded: a stream the subscription has passed may be forgotten, its next event then goes through the subscription.</summary>
    public void Trim(long position)
    {
        if (_streams.Count <= MostRemembered)
            return;
        foreach (var (stream, progress) in _streams)
        {
            if (progress.Sequence <= position)
                _streams.TryRemove(stream, out _);
        }
    }

    private sealed class Progress() : SemaphoreSlim(1, 1)
    {
        public long Version { get; private set; }

        public long Sequence { get; private set; }

        public async Task<Turn> EnterAsync(CancellationToken ct)
        {
            await WaitAsync(ct);
            return new Turn(this);
        }

        public void Set(LoggedEvent logged) => (Version, Sequence) = (logged.Version, logged.Sequence);
    }

    private readonly struct Turn(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
