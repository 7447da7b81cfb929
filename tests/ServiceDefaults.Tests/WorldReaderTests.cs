using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using TrainMover.Contracts.Fleet;
using TrainMover.Domain.Fleet;
using TrainMover.EventLog;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.ServiceDefaults.Tests;

/// <summary>The world misses no event, in whatever order commits become visible.</summary>
public sealed class WorldReaderTests
{
    private readonly VisibleLog _log = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly WorldReader _reader;

    public WorldReaderTests() => _reader = new WorldReader(_log, _clock);

    [Fact]
    public async Task An_event_that_committed_late_is_read_once_it_is_there()
    {
        _log.Commit(2, "m1", 1);
        await _reader.CatchUpAsync(default);
        _reader.Seen.ShouldBe(0);
        _log.Commit(1, "m0", 1);
        await _reader.CatchUpAsync(default);
        _reader.World.Machine("m0").Status.ShouldBe(MachineStatus.Available);
        _reader.Seen.ShouldBe(2);
    }

    [Fact]
    public async Task An_event_of_somebody_else_before_ones_own_is_not_skipped()
    {
        _log.Commit(1, "m0", 1);
        await _reader.CatchUpAsync(default);
        _log.Commit(2, "m1", 1);
        await _reader.ApplyAsync(_log.Commit(3, "m0", 2), default);
        _reader.World.Machine("m1").Status.ShouldBe(MachineStatus.Unknown);
        await _reader.CatchUpAsync(default);
        _reader.World.Machine("m1").Status.ShouldBe(MachineStatus.Available);
        _reader.World.VersionOf("machine-m0").ShouldBe(2);
    }

    [Fact]
    public async Task A_number_that_was_rolled_back_is_given_up_after_a_while()
    {
        _log.Commit(1, "m0", 1);
        _log.Commit(3, "m0", 2);
        await _reader.CatchUpAsync(default);
        await _reader.CatchUpAsync(default);
        _reader.Seen.ShouldBe(1);
        _clock.Advance(TimeSpan.FromSeconds(31));
        await _reader.CatchUpAsync(default);
        _reader.Seen.ShouldBe(3);
    }

    [Fact]
    public async Task A_gap_in_a_stream_loads_the_stream_from_its_beginning()
    {
        _log.Commit(1, "m0", 1);
        await _reader.ApplyAsync(_log.Commit(2, "m0", 2), default);
        _reader.World.VersionOf("machine-m0").ShouldBe(2);
    }

    /// <summary>A log of registrations in which the test says what is visible.</summary>
    private sealed class VisibleLog : IEventLog
    {
        private readonly SortedDictionary<long, LoggedEvent> _events = [];

        public LoggedEvent Commit(long sequence, string machine, long version) => _events[sequence] = new LoggedEvent(
            Guid.NewGuid(), sequence, Machine.Stream(machine), version, "trainmover.machine.registered.v1", DateTimeOffset.UnixEpoch, "test", null, null,
            new MachineRegistered(machine, MachineRole.Training, "127.0.0.1", (int)(1000 + version)), default(JsonElement), null);

        public async IAsyncEnumerable<LoggedEvent> ReadAllAsync(
            long fromSequence = 0, IReadOnlySet<string>? types = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct = default)
        {
            await Task.Yield();
            foreach (var logged in _events.Values.Where(logged => logged.Sequence > fromSequence)) yield return logged;
        }

        public Task<IReadOnlyList<LoggedEvent>> ReadStreamAsync(string stream, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default) =>
            Task.FromResult<IReadOnlyList<LoggedEvent>>([.. _events.Values.Where(logged => logged.Stream == stream)]);

        public Task<AppendResult> AppendAsync(IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct = default) => throw new NotSupportedException();

        public Task<(TState State, long Version)> LoadAsync<TState>(
            string stream, TState initial, Func<TState, object, TState> evolve, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> StreamsAsync(string prefix, CancellationToken ct = default) => throw new NotSupportedException();

        public Task<bool> IsProcessedAsync(ProcessedMessage message, CancellationToken ct = default) => throw new NotSupportedException();

        public Task StorePositionAsync(ConsumerPosition position, CancellationToken ct = default) => throw new NotSupportedException();

        public Task<long> LowestPositionAsync(string? topic = null, CancellationToken ct = default) => throw new NotSupportedException();
    }
}
