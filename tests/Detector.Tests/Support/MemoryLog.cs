using System.Runtime.CompilerServices;
using System.Text.Json;
using TrainMover.EventLog;

namespace TrainMover.Detector.Tests.Support;

/// <summary>A log in memory that is away when the test says so.</summary>
internal sealed class MemoryLog : IEventLog
{
    private readonly List<LoggedEvent> _events = [];

    /// <summary>Whether the log answers.</summary>
    public bool IsThere { get; set; } = true;

    public IEnumerable<object> Events => _events.Select(logged => logged.Data);

    public void Append(string stream, params IEnumerable<object> events)
    {
        foreach (var body in events)
        {
            var version = _events.Count(logged => logged.Stream == stream) + 1;
            _events.Add(new LoggedEvent(Guid.NewGuid(), _events.Count + 1, stream, version, body.GetType().Name, DateTimeOffset.UnixEpoch, "test", null, null, body, default(JsonElement), null));
        }
    }

    public Task<AppendResult> AppendAsync(IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct = default)
    {
        Answer();
        var before = _events.Count;
        foreach (var append in appends)
        {
            append.ExpectedVersion.ShouldBe(_events.Count(logged => logged.Stream == append.Stream));
            Append(append.Stream, append.Events);
        }

        return Task.FromResult(new AppendResult(_events[before..]));
    }

    public async IAsyncEnumerable<LoggedEvent> ReadAllAsync(long fromSequence = 0, IReadOnlySet<string>? types = null, [EnumeratorCancellation] CancellationToken ct = default)
    {
        Answer();
        await Task.Yield();
        foreach (var logged in _events.Where(logged => logged.Sequence > fromSequence).ToList()) yield return logged;
    }

    public Task<IReadOnlyList<LoggedEvent>> ReadStreamAsync(string stream, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default)
    {
        Answer();
        return Task.FromResult<IReadOnlyList<LoggedEvent>>([.. _events.Where(logged => logged.Stream == stream)]);
    }

    public Task<(TState State, long Version)> LoadAsync<TState>(
        string stream, TState initial, Func<TState, object, TState> evolve, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<string>> StreamsAsync(string prefix, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<bool> IsProcessedAsync(ProcessedMessage message, CancellationToken ct = default) => throw new NotSupportedException();

    public Task StorePositionAsync(ConsumerPosition position, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<long> LowestPositionAsync(string? topic = null, CancellationToken ct = default) => throw new NotSupportedException();

    private void Answer()
    {
        if (!IsThere) throw new EventLogUnavailableException("127.0.0.1:1", new TimeoutException("away"));
    }
}
