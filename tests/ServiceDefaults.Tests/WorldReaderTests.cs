using Microsoft.Extensions.Time.Testing;
using TrainMover.Contracts.Fleet;
using TrainMover.Domain.Fleet;
using TrainMover.EventLog;
using TrainMover.Fixtures;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.ServiceDefaults.Tests;

/// <summary>The world misses no event, in whatever order commits become visible.</summary>
public sealed class WorldReaderTests
{
    private readonly MemoryLog _log = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly WorldReader _reader;

    public WorldReaderTests() => _reader = new WorldReader(_log, _clock);

    [Fact]
    public async Task An_event_that_committed_late_is_read_once_it_is_there()
    {
        Commit(2, "m1", 1);
        await _reader.CatchUpAsync(default);
        _reader.Seen.ShouldBe(0);
        Commit(1, "m0", 1);
        await _reader.CatchUpAsync(default);
        _reader.World.Machine("m0").Status.ShouldBe(MachineStatus.Available);
        _reader.Seen.ShouldBe(2);
    }

    [Fact]
    public async Task An_event_of_somebody_else_before_ones_own_is_not_skipped()
    {
        Commit(1, "m0", 1);
        await _reader.CatchUpAsync(default);
        Commit(2, "m1", 1);
        await _reader.ApplyAsync(Commit(3, "m0", 2), default);
        _reader.World.Machine("m1").Status.ShouldBe(MachineStatus.Unknown);
        await _reader.CatchUpAsync(default);
        _reader.World.Machine("m1").Status.ShouldBe(MachineStatus.Available);
        _reader.World.VersionOf("machine-m0").ShouldBe(2);
    }

    [Fact]
    public async Task A_number_that_was_rolled_back_is_given_up_after_a_while()
    {
        Commit(1, "m0", 1);
        Commit(3, "m0", 2);
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
        Commit(1, "m0", 1);
        await _reader.ApplyAsync(Commit(2, "m0", 2), default);
        _reader.World.VersionOf("machine-m0").ShouldBe(2);
    }

    private LoggedEvent Commit(long sequence, string machine, long version) =>
        _log.Commit(sequence, Machine.Stream(machine), version, new MachineRegistered(machine, MachineRole.Training, "127.0.0.1", (int)(1000 + version)));
}
