using TrainMover.Cli.Demo;
using TrainMover.Contracts.Interruptions;

namespace TrainMover.Cli.Bench.Latency;

/// <summary>A fault of a live job, and how soon it has to be raised.</summary>
/// <param name="Name">For <c>--only</c>.</param>
/// <param name="Expected">Causes that are right.</param>
/// <param name="Severity">What it has to ask for.</param>
/// <param name="Bar">Longest median, given the median step in milliseconds; null where there is no bar in time.</param>
/// <param name="MostSteps">Longest median in completed steps; null where there is no bar in steps.</param>
/// <param name="Strike">Makes it happen.</param>
/// <param name="Mend">Ends it, once the machine is replaced or the fault was raised.</param>
internal sealed record Fault(
    string Name, IReadOnlyList<InterruptionCause> Expected, Severity Severity, Func<double, double>? Bar, int? MostSteps, Action<TrainingRun, string> Strike, Func<TrainingRun, string, CancellationToken, Task> Mend)
{
    private const double KilledMs = 100;
    private const double LostMs = 1000;
    private const double StoppedSlackMs = 250;
    private const double StoppedSteps = 3;
    private const int SlowSteps = 10;
    private const double SlowShare = 0.2;

    public bool IsReplaced => Severity == Severity.Replace;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("worker-killed", [InterruptionCause.WorkerDeath], Severity.Replace, _ => KilledMs, null,
            (run, machine) => run.WorkerOf(machine).Kill(), (_, _, _) => Task.CompletedTask),
        // Peers may be the first to see it: to them its worker is out of reach.
        new("machine-lost", [InterruptionCause.MachineLoss, InterruptionCause.WorkerUnreachable], Severity.Replace, _ => LostMs, null,
            (run, machine) =>
            {
                var worker = run.WorkerOf(machine);
                run.AgentProcessOf(machine).Kill();
                worker.Kill();
            },
            (run, machine, ct) => run.StartAgentAsync(machine, ct)),
        new("agent-killed", [InterruptionCause.AgentLoss], Severity.Restart, null, null,
            (run, machine) => run.AgentProcessOf(machine).Kill(), (run, machine, ct) => run.StartAgentAsync(machine, ct)),
        new("worker-stopped", [InterruptionCause.Hang], Severity.Replace, step => (StoppedSteps * step) + StoppedSlackMs, null,
            (run, machine) => run.WorkerOf(machine).Stop(),
            (run, machine, _) =>
            {
                run.WorkerOf(machine).Kill();
                return Task.CompletedTask;
            }),
        new("worker-slow", [InterruptionCause.SlowWorker], Severity.Replace, null, SlowSteps,
            (run, machine) => run.Slow(machine, SlowShare),
            (run, machine, _) =>
            {
                run.Slow(machine, null);
                return Task.CompletedTask;
            }),
    ];
}
