using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Live.Jobs;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Running;
using TrainMover.Detector.Jobs;
using TrainMover.Domain;
using TrainMover.EventLog;
using TrainMover.Fixtures;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Detector.Tests.Jobs;

/// <summary>What the Detector does about messages of a job, with a log that is away now and then.</summary>
public sealed class JobFactsTests : IAsyncDisposable
{
    private static readonly string[] Machines = ["m0", "m1"];
    private readonly MemoryLog _log = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private readonly LogDatabase _database = new("Host=127.0.0.1;Port=1", new EventLogOptions().Publish("detector", ["none"]));
    private readonly LogPublisher _publisher;
    private readonly DecisionRunner _runner;
    private readonly JobFacts _facts;

    public JobFactsTests()
    {
        _publisher = new LogPublisher(_database, new Nowhere(), NullLogger<LogPublisher>.Instance);
        _runner = new DecisionRunner(_log, _publisher, new ServiceIdentity("detector"), [], _clock, NullLogger<DecisionRunner>.Instance);
        _facts = new JobFacts(_runner, new JobWindows(), _clock, NullLogger<JobFacts>.Instance);
        foreach (var stream in DetectorCatalogue.ConfigureByDefault(new World()).Streams) _log.Append(stream.Stream, stream.Events);
        foreach (var machine in Machines) _log.Append($"machine-{machine}", new MachineRegistered(machine, MachineRole.Training, "127.0.0.1", 1));
        var topology = new JobTopology(1, [.. Machines.Select((machine, rank) => new RankPlace(rank, machine, "127.0.0.1", 1))], "");
        _log.Append("job-gpt", new JobSubmitted(new JobSpec("gpt", new JobLayout(2), 10_000, 1, 1, 1e-3f, new JobModel(), "text", "folder")), new JobStarted("gpt", topology));
    }

    private IEnumerable<InterruptionRaised> Raised => _log.Events.OfType<InterruptionRaised>();

    [Fact]
    public async Task A_job_whose_start_was_not_heard_of_is_looked_up_with_its_first_step()
    {
        await StepAsync(0);
        await StepAsync(1, float.NaN);
        Raised.ShouldHaveSingleItem().Cause.ShouldBe(InterruptionCause.LossCorruption);
    }

    [Fact]
    public async Task What_the_log_could_not_take_is_raised_once_when_it_answers_again_by_the_message_or_by_the_clock()
    {
        await StepAsync(0);
        _log.IsThere = false;
        await Should.ThrowAsync<EventLogUnavailableException>(() => StepAsync(1, float.NaN));
        _facts.Listened(_clock.GetUtcNow());
        await Should.ThrowAsync<EventLogUnavailableException>(() => _facts.TickAsync(default));
        _log.IsThere = true;
        await Task.WhenAll(_facts.TickAsync(default), StepAsync(1, float.NaN));
        await _facts.TickAsync(default);
        Raised.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_step_that_came_while_the_log_was_away_is_judged_when_it_comes_again()
    {
        _log.IsThere = false;
        await Should.ThrowAsync<EventLogUnavailableException>(() => StepAsync(0, float.NaN));
        _log.IsThere = true;
        await StepAsync(0, float.NaN);
        Raised.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Nobody_hangs_as_long_as_nobody_listened()
    {
        for (var step = 0; step < 10; step++) await StepAsync(step);
        _clock.Advance(TimeSpan.FromHours(1));
        await _facts.TickAsync(default);
        Raised.ShouldBeEmpty();
        _facts.Listened(_clock.GetUtcNow());
        await _facts.TickAsync(default);
        Raised.ShouldHaveSingleItem().Cause.ShouldBe(InterruptionCause.Hang);
    }

    [Fact]
    public async Task Heartbeats_are_for_others_too_and_steps_are_not()
    {
        (await ObserveAsync("beat", new Heartbeat("m0", 7, 1))).ShouldBeFalse();
        (await ObserveAsync("waiting", new RankWaiting("m0", "gpt", 1, 0, 0, 1))).ShouldBeTrue();
        (await ObserveAsync("step", Step(0, 0, 2))).ShouldBeTrue();
    }

    [Fact]
    public async Task Other_settings_take_effect_on_jobs_that_run()
    {
        await StepAsync(0);
        await _facts.UseAsync(new JobWatchSettings { Settle = 9 }, default);
        await StepAsync(1, float.NaN);
        Raised.ShouldHaveSingleItem("the job is followed again at once");
    }

    public async ValueTask DisposeAsync()
    {
        _facts.Dispose();
        _runner.Dispose();
        _publisher.Dispose();
        await _database.DisposeAsync();
    }

    private async Task StepAsync(long step, float loss = 2)
    {
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        for (var rank = 0; rank < Machines.Length; rank++) await ObserveAsync($"step-{step}-{rank}", Step(step, rank, loss));
    }

    private Task<bool> ObserveAsync(string id, object body) => _facts.ObserveAsync(new Fact("/agent", id), body, default);

    private static StepCompleted Step(long step, int rank, float loss) => new(Machines[rank], "gpt", 1, rank, step, loss, BitConverter.SingleToUInt32Bits(loss), 500, 1, 400);

    private sealed class Nowhere : IEventPublisher
    {
        public Task PublishAsync(LoggedEvent logged, CancellationToken ct) => throw new NotSupportedException();
    }
}
