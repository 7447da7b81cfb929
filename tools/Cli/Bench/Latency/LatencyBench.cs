using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Contracts.Interruptions;
using TrainMover.Embedded;

namespace TrainMover.Cli.Bench.Latency;

/// <summary>How soon one fault was raised.</summary>
/// <param name="Machine">The machine that was struck.</param>
/// <param name="Ms">From the fault to the event in the log; null where it was not raised as what it is.</param>
/// <param name="Steps">Steps that the job completed meanwhile.</param>
/// <param name="SeenMs">From the fault until its first witness saw it, where the event says when.</param>
/// <param name="Shortcoming">What was wrong; null where nothing was.</param>
/// <param name="Raised">What was raised.</param>
internal sealed record RaisedAfter(string Machine, double? Ms, int Steps, double? SeenMs, string? Shortcoming, InterruptionRaised? Raised);

/// <summary>All repetitions of a fault.</summary>
internal sealed record FaultLatency(string Fault, double? MedianMs, double? P90Ms, double? MedianSteps, double? BarMs, int? BarSteps, double MedianStepMs, bool Passed, IReadOnlyList<RaisedAfter> Each);

/// <summary>Live latencies, and interruptions that nobody caused.</summary>
internal sealed record LatencyReport(IReadOnlyList<FaultLatency> Faults, IReadOnlyList<string> Uncaused)
{
    public bool Passed => Uncaused.Count == 0 && Faults.All(fault => fault.Passed);
}

/// <summary>Strikes the machines of a live job, again and again, and looks in the log when it is raised.</summary>
internal static class LatencyBench
{
    // What is usual has to be known before something can be unusual.
    private const int StepsBefore = 25;
    private const double Ninety = 0.9;
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RaisedLimit = TimeSpan.FromSeconds(30);

    public static async Task<LatencyReport> RunAsync(Output output, Access access, IReadOnlyList<Fault> faults, int repeats, CancellationToken ct)
    {
        var job = MigrateLayout.All[0].Job(MigrateSize.All[0]);
        (job.Id, job.Steps) = ("latency", 1_000_000);
        var setup = new RunSetup { StepsLimit = StepsLimit, Environment = RunSetup.Injection };
        await using var run = await TrainingRun.StartAsync(access, "latency", job, null, output.Progress, ct, setup);
        await run.UntilWarmAsync(ct);
        var caused = new HashSet<string>(StringComparer.Ordinal);
        var results = new List<FaultLatency>();
        foreach (var fault in faults)
        {
            var each = new List<RaisedAfter>();
            var begun = run.Watch.Steps.Completed;
            for (var repeat = 0; repeat < repeats; repeat++)
            {
                await run.UntilAtRestAsync(ct);
                await run.UntilStepAsync(run.Watch.Steps.Completed + StepsBefore, ct);
                each.Add(await StrikeAsync(run, fault, run.Member(1 + (repeat % (job.Machines - 1))), caused, ct));
                output.Progress.Report($"{fault.Name} {repeat + 1} of {repeats}: {(each[^1].Ms is { } ms ? $"{ms:0} ms{(each[^1].SeenMs is { } seen ? $" (first seen after {seen:0} ms)" : "")}, {each[^1].Steps} steps" : "not raised")}{(each[^1].Shortcoming is { } wrong ? $"; {wrong}" : "")}");
            }

            // Steps in which a machine was replaced are not usual ones, and few.
            var step = run.Watch.Steps.Steps().Where(one => one.Step >= begun).Select(one => one.Ms).Median();
            results.Add(Evaluate(fault, each, step));
        }

        return new LatencyReport(results, [.. run.Raised().Where(known => !caused.Contains(known.Raised.InterruptionId)).Select(known => $"{known.Raised.InterruptionId}: {known.Raised.Reason}")]);
    }

    public static void Tell(Output output, LatencyReport report)
    {
        var table = Output.Table("fault", "raised after, median", "90%", "steps, median", "bar", "median step", "");
        foreach (var fault in report.Faults)
        {
            var bar = fault.BarMs is { } ms ? $"{ms:0} ms" : fault.BarSteps is { } steps ? $"{steps} steps" : "restart, no migration";
            table.Row(fault.Fault, $"{fault.MedianMs:0} ms", $"{fault.P90Ms:0} ms", $"{fault.MedianSteps:0.#}", bar, $"{fault.MedianStepMs:0} ms", fault.Passed ? "met" : $"MISSED {string.Join("; ", fault.Each.Select(one => one.Shortcoming).OfType<string>().Distinct())}");
        }

        output.Console.Write(table);
        output.Line($"Interruptions that nobody caused: {report.Uncaused.Count}. {string.Join(" ", report.Uncaused)}");
    }

    private static async Task<RaisedAfter> StrikeAsync(TrainingRun run, Fault fault, string machine, HashSet<string> caused, CancellationToken ct)
    {
        var before = run.Raised().Select(known => known.Raised.InterruptionId).ToHashSet(StringComparer.Ordinal);
        var (generation, worker) = (run.State().Topology!.Generation, run.WorkerOf(machine).Pid);
        var (struckAt, stamp) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        fault.Strike(run, machine);
        try
        {
            await run.Watch.UntilAsync(() => Answers().Any(), RaisedLimit, $"An interruption of {machine}", ct);
        }
        catch (DeploymentException) when (!ct.IsCancellationRequested)
        {
            await fault.Mend(run, machine, ct);
            return new RaisedAfter(machine, null, 0, null, "nothing was raised", null);
        }

        var (logged, first) = Answers().First();
        var ms = (logged.RecordedAt - struckAt).TotalMilliseconds;
        var steps = run.Watch.Steps.Steps().Count(step => step.CompletedNs > stamp && step.CompletedNs <= stamp + (long)(ms * 1e6));
        var wrong = fault.Expected.Contains(first.Cause) && first.Severity == fault.Severity ? null : $"raised as {first.Cause}, {first.Severity}";
        if (fault.IsReplaced) await run.UntilReplacedAsync(generation, ct);
        await fault.Mend(run, machine, ct);
        if (!fault.IsReplaced)
        {
            await run.Watch.UntilAsync(() => run.Watch.Look(world => world.Interruption(first.InterruptionId).Status == Domain.Interruptions.InterruptionStatus.Recovered), RaisedLimit, $"The recovery of {machine}'s agent", ct);
            await run.UntilStepAsync(run.Watch.Steps.Completed + 1, ct);
            if (run.State().Topology!.Generation != generation) wrong ??= "a migration followed";
            if (run.WorkerOf(machine).Pid != worker) wrong ??= "the worker was not adopted again";
        }

        // One fault may be seen by several detectors: all of it is caused.
        caused.UnionWith(Answers().Select(answer => answer.Raised.InterruptionId));
        return new RaisedAfter(machine, wrong is null ? ms : null, steps, (first.FaultMonotonicNs - stamp) / 1e6, wrong, first);

        IEnumerable<(EventLog.LoggedEvent Logged, InterruptionRaised Raised)> Answers() =>
            run.Raised().Where(known => !before.Contains(known.Raised.InterruptionId) && known.Raised.Machines.Contains(machine));
    }

    private static FaultLatency Evaluate(Fault fault, IReadOnlyList<RaisedAfter> each, double step)
    {
        var times = each.Select(one => one.Ms).OfType<double>().Order().ToList();
        double? median = times.Count == 0 ? null : times.Median();
        double? ninety = times.Count == 0 ? null : times[Math.Min(times.Count - 1, (int)(Ninety * times.Count))];
        double? steps = times.Count == 0 ? null : each.Where(one => one.Ms is not null).Select(one => (double)one.Steps).Median();
        var bar = fault.Bar?.Invoke(step);
        var passed = each.All(one => one.Shortcoming is null) && (bar is null || median <= bar) && (fault.MostSteps is null || steps <= fault.MostSteps);
        return new FaultLatency(fault.Name, median, ninety, steps, bar, fault.MostSteps, step, passed, each);
    }
}
