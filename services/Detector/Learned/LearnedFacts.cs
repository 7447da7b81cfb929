using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Detection.Live.Learned;
using TrainMover.Detection.Metrics;
using TrainMover.Domain;
using TrainMover.ServiceDefaults.Deciding;
using TrainMover.Telemetry;

namespace TrainMover.Detector.Learned;

/// <summary>What the Detector does about metrics that learned models judge. The window has one owner at a time.</summary>
public sealed class LearnedFacts
{
    private const int NotesAtOnce = 50;
    private const double NotesPerSecond = 0.1;

    private readonly DecisionRunner _runner;
    private readonly LearnedWindow _window;
    private readonly TimeProvider _clock;
    private readonly ILogger<LearnedFacts> _logger;
    private readonly FloodGate _gate;
    private readonly Lock _turn = new();
    private readonly Queue<LearnedOutcome> _waiting = new();

    public LearnedFacts(DecisionRunner runner, LearnedModels models, TimeProvider clock, ILogger<LearnedFacts> logger)
    {
        (_runner, _window, _clock, _logger) = (runner, new LearnedWindow(models.InForce), clock, logger);
        _gate = new FloodGate(NotesAtOnce, NotesPerSecond, clock);
        foreach (var refused in models.Refused) logger.LogError("A model of metrics is not used: {Reason}", refused);
        if (models.InForce.Count > 0) logger.LogInformation("Metrics are judged by {Models}.", models.Versions);
    }

    /// <summary>Takes up what a former process raised or recorded.</summary>
    public void Remember(IEnumerable<InterruptionRaised> open)
    {
        lock (_turn) _window.Remember(open);
    }

    /// <summary>Judges by other settings from now on.</summary>
    public void Use(LearnedMetricSettings settings, DetectorMode mode)
    {
        lock (_turn) _window.Use(settings, mode);
    }

    /// <summary>Takes in a message; what follows from it waits for <see cref="RecordAsync"/>.</summary>
    public void Take(string source, string id, object body)
    {
        lock (_turn)
        {
            if (_window.IsOff) return;
            foreach (var outcome in _window.Take(source, id, body, _clock.GetUtcNow())) _waiting.Enqueue(outcome);
        }
    }

    /// <summary>Tells the log what waits. What it could not take waits on.</summary>
    public async Task RecordAsync(CancellationToken ct)
    {
        while (Peek() is { } outcome)
        {
            await RecordAsync(outcome, ct);
            lock (_turn) _waiting.Dequeue();
        }
    }

    private async Task RecordAsync(LearnedOutcome outcome, CancellationToken ct)
    {
        switch (outcome)
        {
            case LearnedOutcome.Found { Finding: var finding }:
                _logger.LogInformation("{Detector}: {Reason}", MetricModel.Name, finding.Reason);
                await DecideAsync(finding.Raise, finding.MachineId, ct);
                break;
            case LearnedOutcome.Over { Recovery: var recovery }:
                await DecideAsync(recovery.Decide, recovery.MachineId, ct);
                break;
            case LearnedOutcome.Noted { Reason: var reason } when _gate.Pass():
                _logger.LogWarning("{Reason}", reason);
                break;
        }
    }

    // Metrics come from anywhere, also of machines that have no agent.
    private async Task DecideAsync(Func<World, Decision> decide, string machineId, CancellationToken ct)
    {
        try
        {
            await _runner.DecideAsync(new Fact("/trainmover/detector/learned-metrics", CorrelationId: machineId), decide, ct);
        }
        catch (DomainRuleException refused)
        {
            _logger.LogWarning("What was found in the metrics of {MachineId} is dropped: {Reason}", machineId, refused.Message);
        }
    }

    private LearnedOutcome? Peek()
    {
        lock (_turn) return _waiting.TryPeek(out var outcome) ? outcome : null;
    }
}
