using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Bench;

/// <summary>Pauses of one case.</summary>
/// <param name="Case">Model size, or machines moved at once.</param>
/// <param name="MedianMs">Median of the larger of pause and gap.</param>
/// <param name="MedianStepMs">Median step.</param>
/// <param name="UndisturbedMs">What gaps come to where nothing happens, as steps differ.</param>
/// <param name="Pauses">Every repetition.</param>
internal sealed record FlatnessCase(string Case, double MedianMs, double MedianStepMs, double UndisturbedMs, IReadOnlyList<PausedTime> Pauses);

/// <summary>Whether the pause of an expected migration grows with what is moved.</summary>
/// <param name="Sizes">By model size, dp4.</param>
/// <param name="Machines">By machines moved at once, of 6.</param>
/// <param name="SizeRatio">Largest model's median by the smallest's; null where not both were measured.</param>
/// <param name="MachinesRatio">Largest median by the smallest, over the numbers of machines; null where they were not measured.</param>
internal sealed record FlatnessReport(IReadOnlyList<FlatnessCase> Sizes, IReadOnlyList<FlatnessCase> Machines, double? SizeRatio, double? MachinesRatio);

/// <summary>Expected migrations of models from 1 M to 50 M parameters, and of one to three machines of six.</summary>
internal static class FlatnessBench
{
    /// <summary>What <c>--only</c> calls the moves of several machines.</summary>
    public const string MachinesName = "machines";

    private const int StepsBetween = 4;
    private const int MostMachines = 3;
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);

    public static async Task<FlatnessReport> RunAsync(Output output, Access access, Func<string, bool> isWanted, int repeats, CancellationToken ct)
    {
        var sizes = new List<FlatnessCase>();
        foreach (var size in MigrateSize.All.Where(size => isWanted(size.Name)))
        {
            output.Progress.Report($"{size.Name} parameters, dp4");
            var job = MigrateLayout.All[0].Job(size);
            sizes.Add((await MeasureAsync(output, access, job, [1], repeats, ct)).Single() with { Case = size.Name });
        }

        var machines = isWanted(MachinesName) ? await MeasureMachinesAsync(output, access, repeats, ct) : [];
        var ends = new[] { MigrateSize.All[0], MigrateSize.All[^1] }.Select(size => sizes.Find(one => one.Case == size.Name)?.MedianMs).ToList();
        return new FlatnessReport(sizes, machines, ends[1] / ends[0], machines.Count == 0 ? null : machines.Max(one => one.MedianMs) / machines.Min(one => one.MedianMs));
    }

    public static void Tell(Output output, FlatnessReport report)
    {
        var table = Output.Table("expected migration", "median of the larger, ms", "median step ms", "pauses", "gaps seen from outside", "where nothing happens");
        foreach (var one in report.Sizes.Concat(report.Machines))
            table.Row(one.Case, $"{one.MedianMs:0}", $"{one.MedianStepMs:0}", string.Join(", ", one.Pauses.Select(pause => $"{pause.PauseMs:0}")), string.Join(", ", one.Pauses.Select(pause => $"{pause.GapMs:0}")), $"{one.UndisturbedMs:0}");
        output.Console.Write(table);
        if (report.SizeRatio is { } bySize)
            output.Line($"The largest model's pause is {bySize:0.00} times the smallest's.");
        if (report.MachinesRatio is { } byMachines)
            output.Line($"Over the numbers of machines the longest pause is {byMachines:0.00} times the shortest.");
    }

    private static async Task<IReadOnlyList<FlatnessCase>> MeasureMachinesAsync(Output output, Access access, int repeats, CancellationToken ct)
    {
        output.Progress.Report($"1 to {MostMachines} machines of 6");
        var six = MigrateLayout.All[0].Job(MigrateSize.All[0]);
        six.Layout = new JobFileLayout { Dp = 6 };

        // A step takes as long as that of four machines does.
        six.BatchPerRank /= 2;
        return await MeasureAsync(output, access, six, [.. Enumerable.Range(1, MostMachines)], repeats, ct);
    }

    private static async Task<IReadOnlyList<FlatnessCase>> MeasureAsync(Output output, Access access, JobFile job, IReadOnlyList<int> counts, int repeats, CancellationToken ct)
    {
        (job.Id, job.Steps) = ("flatness", 100_000);
        // The same machines serve every repetition.
        var setup = new RunSetup { Elastic = counts.Max(), StepsLimit = StepsLimit, Environment = RunSetup.NoQuarantine };
        await using var run = await TrainingRun.StartAsync(access, "flatness", job, null, output.Progress, ct, setup);
        await run.UntilWarmAsync(ct);
        var stories = new List<(int Count, Story.MigrationStory Story)>();
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            foreach (var count in counts)
            {
                // The standby is kept for failures: one more must be free.
                await run.Watch.UntilAsync(() => run.Spares() > count, StepsLimit, $"{count} free machines", ct);
                await run.UntilStepAsync(run.Watch.Steps.Completed + StepsBetween, ct);
                stories.Add((count, await run.MaintainAsync([.. Enumerable.Range(1, count).Select(run.Member)], output.Progress, ct)));
            }
        }

        await run.UntilStepAsync(run.Watch.Steps.Completed + StepsBetween, ct);
        var times = new StepTimes(run.Watch.Steps.Steps());
        var undisturbed = PausedTime.UndisturbedMs(stories.Select(one => one.Story), times);
        return
        [
            .. stories.GroupBy(one => one.Count, one => PausedTime.Of(one.Story, times))
                .Select(pauses => new FlatnessCase($"{pauses.Key} of {job.Machines} machines", pauses.Select(one => one.LongerMs).Median(), times.MedianMs, undisturbed, [.. pauses])),
        ];
    }
}
