using System.Runtime.CompilerServices;
using System.Text.Json;
using TrainMover.EventLog;

namespace TrainMover.Fixtures;

/// <summary>A log in memory. The test says what is visible in it, and whether it answers.</summary>
public sealed class MemoryLog : IEventLog
{
    private readonly SortedDictionary<long, LoggedEvent> _events = [];

    /// <summary>Whether the log answers.</summary>
    public bool IsThere { get; set; } = true;

    /// <summary>Bodies of all events, in order of sequence.</summary>
    public IEnumerable<object> Events => _events.Values.Select(logged => logged.Data);

    /// <summary>Makes an event visible, in whatever order the test likes.</summary>
    public LoggedEvent Commit(long sequence, string stream, long version, object body) => _events[sequence] = new LoggedEvent(
        Guid.NewGuid(), sequence, stream, version, body.GetType().Name, DateTimeOffset.UnixEpoch, "test", null, null, body, default(JsonElement), null);

    /// <summary>Appends to a stream.</summary>
    public void Append(string stream, params IEnumerable<object> events)
    {
        foreach (var body in events) Commit(_events.Count + 1, stream, VersionOf(stream) + 1, body);
    }

    public Task<AppendResult> AppendAsync(IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct = default)
    {
        Answer();
        var before = _events.Count;
        foreach (var append in appends)
        {
            if (append.ExpectedVersion is { } expected && expected != VersionOf(append.Stream)) throw new StreamConflictException(append.Stream, expected, VersionOf(append.Stream));
            Append(append.Stream, append.Events);
        }

        return Task.FromResult(new AppendResult([.. _events.Values.Skip(before)]));
    }

    public async IAsyncEnumerable<LoggedEvent> ReadAllAsync(long fromSequence = 0, IReadOnlySet<string>? types = null, [EnumeratorCancellation] CancellationToken ct = default)
    {
        Answer();
        await Task.Yield();
        foreach (var logged in _events.Values.Where(logged => logged.Sequence > fromSequence).ToList()) yield return logged;
    }

    public Task<IReadOnlyList<LoggedEvent>> ReadStreamAsync(string stream, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default)
    {
        Answer();
        return Task.FromResult<IReadOnlyList<LoggedEvent>>([.. _events.Values.Where(logged => logged.Stream == stream)]);
    }

    public Task<(TState State, long Version)> LoadAsync<TState>(
        string stream, TState initial, Func<TState, object, TState> evolve, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<string>> StreamsAsync(string prefix, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<bool> IsProcessedAsync(ProcessedMessage message, CancellationToken ct = default) => throw new NotSupportedException();

    public Task StorePositionAsync(ConsumerPosition position, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<long> LowestPositionAsync(string? topic = null, CancellationToken ct = default) => throw new NotSupportedException();

    private long VersionOf(string stream) => _events.Values.Where(logged => logged.Stream == stream).Select(logged => logged.Version).DefaultIfEmpty(0).Max();

    private void Answer()
    {
        if (!IsThere) throw new EventLogUnavailableException("127.0.0.1:1", new TimeoutException("away"));
    }
}
