using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detector.Jobs;
using TrainMover.Detector.Learned;
using TrainMover.Domain;
using TrainMover.Domain.Detection;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Detector;

/// <summary>What the Detector does about the facts that reach it. The window of the detectors has one owner at a time.</summary>
public sealed class DetectorFacts(DecisionRunner runner, Detectors detectors, SourceWindow sources, JobFacts jobs, LearnedFacts learned, TimeProvider clock)
{
    private readonly Lock _window = new();

    /// <summary>Takes in one telemetry message.</summary>
    /// <exception cref="DomainRuleException">It names a machine that nobody announced.</exception>
    public async Task ObserveAsync(Fact fact, object body, CancellationToken ct)
    {
        if (await jobs.ObserveAsync(fact, body, ct) || (body is Heartbeat heartbeat && Note(heartbeat))) return;
        if (SourceWindow.Takes(body)) await ObserveSourceAsync(fact, body, ct);
        else await runner.DecideAsync(fact, world => Locked(() => detectors.Observe(world, new Observation(fact.Source, fact.Id!, body), clock.GetUtcNow())), ct);
    }

    /// <summary>Changes what the detectors judge by.</summary>
    public void Use(Action change)
    {
        lock (_window) change();
    }

    /// <summary>All telemetry up to this moment took effect.</summary>
    public void Listened(DateTimeOffset until)
    {
        lock (_window) detectors.Listened(until);
        jobs.Listened(until);
    }

    /// <summary>Takes in metrics in which nothing is found, as nearly all are; false where a message has to be observed.</summary>
    public bool Note(string source, string id, object body)
    {
        learned.Take(source, id, body);
        if (body is not DeviceMetricsTaken) return false;
        lock (_window) return sources.Take(source, id, body, clock.GetUtcNow()).Count == 0;
    }

    /// <summary>Sources that see nothing now.</summary>
    public IReadOnlyList<SourceSight> Blind() => Locked<IReadOnlyList<SourceSight>>(() => [.. sources.Blind]);

    /// <summary>What was found in the messages since the last call is in the log afterwards.</summary>
    public Task SettleAsync(CancellationToken ct) => learned.RecordAsync(ct);

    /// <summary>Looks for silence, and for what is over.</summary>
    public async Task TickAsync(CancellationToken ct)
    {
        await jobs.TickAsync(ct);
        foreach (var recovery in Locked(() => sources.Recovered(clock.GetUtcNow())))
        {
            await runner.DecideAsync(new Fact("/trainmover/detector/clock"), recovery.Decide, ct);
            Use(() => sources.Over(recovery));
        }

        if (Locked(() => sources.Due(clock.GetUtcNow())) is { Count: > 0 } held)
        {
            await runner.DecideAsync(new Fact("/trainmover/detector/clock"), world => CommonCause.Raise(world, held), ct);
            Use(() =>
            {
                sources.Held.Done(held);
                foreach (var finding in held) sources.Told(finding, clock.GetUtcNow());
            });
        }

        if (Locked(() => detectors.IsDue(clock.GetUtcNow())))
            await runner.DecideAsync(new Fact("/trainmover/detector/clock"), world => Locked(() => detectors.Tick(world, clock.GetUtcNow())), ct);
    }

    /// <summary>Records what a foreign detector raised.</summary>
    public Task RecordAsync(Fact fact, InterruptionRaised raised, CancellationToken ct) =>
        runner.DecideAsync(fact, world => new Decision(world).OnInterruption(raised.InterruptionId, state => state.Raise(raised)), ct);

    /// <summary>Resolves what completed migrations answered.</summary>
    public Task ResolveAsync(Fact fact, CancellationToken ct) => runner.DecideAsync(fact, Detectors.Resolve, ct);

    // What an error code or metric leads to is judged over what its machine said before. A lost agent is noticed by heartbeats, not here.
    private async Task ObserveSourceAsync(Fact fact, object body, CancellationToken ct)
    {
        var findings = Locked(() => sources.Take(fact.Source, fact.Id!, body, clock.GetUtcNow()));
        foreach (var finding in findings)
        {
            if (finding.Cause == InterruptionCause.LinkError && await runner.ReadAsync(world => CommonCause.IsShared(world, finding), ct))
            {
                if (Locked(() => sources.Held.Has(finding))) continue;
                await runner.DecideAsync(fact with { Id = null, CorrelationId = fact.Id }, world => CommonCause.Hold(world, finding), ct);
                Use(() => sources.Held.Hold(finding, clock.GetUtcNow()));
                continue;
            }

            await runner.DecideAsync(fact with { Id = findings.Count == 1 ? fact.Id : $"{fact.Id}/{finding.InterruptionId}" }, finding.Raise, ct);
            Use(() => sources.Told(finding, clock.GetUtcNow()));
        }
    }

    private bool Note(Heartbeat heartbeat) => Locked(() => detectors.Note(heartbeat, clock.GetUtcNow()));

    private TResult Locked<TResult>(Func<TResult> read)
    {
        lock (_window) return read();
    }
}
