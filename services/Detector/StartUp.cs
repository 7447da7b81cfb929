using TrainMover.Detector.Tuning;
using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Hosting;

namespace TrainMover.Detector;

/// <summary>Takes up the settings that hold, and resolves what was answered while no Detector ran, and learns which jobs run.</summary>
public sealed class StartUp(TuningInForce tuning, DetectorFacts facts, Started started, ILogger<StartUp> logger) : OnceLogAnswers(logger)
{
    protected override async Task RunOnceAsync(CancellationToken ct)
    {
        await tuning.StartAsync(ct);
        await facts.ResolveAsync(new Fact("/trainmover/detector/start"), ct);
        started.Done();
    }
}

/// <summary>Nothing is judged before the settings are known by which it is judged.</summary>
public sealed class Started
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Done() => _done.TrySetResult();

    public Task WaitAsync(CancellationToken ct) => _done.Task.WaitAsync(ct);
}
