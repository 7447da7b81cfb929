using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Collectives;

namespace TrainMover.Cli.Bench;

/// <summary>One machine of a large job is replaced: what a participant computes of the plan, what the whole plan costs, and that neither grows with the number of replicas.</summary>
internal static class DeltaPlanBench
{
    private const int Tp = 8;
    private const int Pp = 16;
    private const int Repeats = 20;
    private const int WholeRepeats = 5;
    private const double OwnPartBarMs = 10;
    private const double WholePlanBarMs = 1000;
    private static readonly byte[] Key = new byte[Topology.KeyBytes];
    private static readonly MachineReplacement Replacement = new("m17", "standby", "10.255.0.1", 7000);

    public static DeltaPlanResult Run(IProgress<string> progress)
    {
        var jobs = new List<DeltaPlanJob>();
        foreach (var dp in new[] { 64, 1024 })
        {
            progress.Report($"TP{Tp} x PP{Pp} x DP{dp}");
            jobs.Add(Measure(new ParallelLayout(dp, Pp, Tp)));
        }

        return new DeltaPlanResult(
            OwnPartBarMs,
            WholePlanBarMs,
            jobs.All(job => job.OwnParts.All(part => part.MedianMs < OwnPartBarMs)),
            jobs.All(job => job.WholePlanMs < WholePlanBarMs),
            jobs.Select(job => (job.Removed, job.Added)).Distinct().Count() == 1,
            jobs);
    }

    public static void Tell(Output output, DeltaPlanResult result)
    {
        var table = Output.Table("layout", "devices", "machines", "removed", "added", "live on", "own part and digest in ms (first)", "whole plan in ms", "digests equal");
        foreach (var job in result.Jobs)
        {
            table.Row(
                job.Layout, Number(job.Devices), Number(job.Machines), Number(job.Removed), Number(job.Added), Number(job.Kept + job.Inherited),
                string.Join(", ", job.OwnParts.Select(part => $"{part.Participant} {part.MedianMs:0.00} ({part.FirstMs:0.0})")), $"{job.WholePlanMs:0}", job.DigestsEqual ? "yes" : "NO");
        }

        output.Console.Write(table);
        Bar($"own part and digest under {result.OwnPartBarMs:0} ms", result.OwnPartMet);
        Bar($"whole plan under {result.WholePlanBarMs:0} ms", result.WholePlanMet);
        Bar("changed connections independent of the size of the job", result.ChangesIndependentOfSize);
        void Bar(string name, bool met) => output.Line($"{name}: {(met ? "met" : "NOT MET")}");
    }

    private static DeltaPlanJob Measure(ParallelLayout layout)
    {
        var from = TopologyOf(layout, machine => ($"m{machine}", $"10.{machine >> 16}.{(machine >> 8) & 255}.{machine & 255}", 7000), 1);
        var plan = DeltaPlan.Compute(from, from.Next(2, Replacement));
        var stayer = plan.Added.First(edge => !edge.IsIntraMachine && edge.FromMachine != Replacement.Joiner).FromMachine;
        var bystander = from.Machines.First(machine => plan.For(machine) is { Removed: 0, Added: 0 });
        var parts = new[] { ("joiner", Replacement.Joiner), ("leaver", Replacement.Leaver), ("neighbour", stayer), ("bystander", bystander) }
            .Select(participant => OwnPart(from, participant.Item1, participant.Item2)).ToList();

        // Somebody who was told the new members in full, and not what changes, comes to the same plan.
        var told = TopologyOf(
            layout,
            machine => $"m{machine}" == Replacement.Leaver
                ? (Replacement.Joiner, Replacement.Host, Replacement.Port)
                : ($"m{machine}", $"10.{machine >> 16}.{(machine >> 8) & 255}.{machine & 255}", 7000),
            2);
        var digests = parts.Select(part => part.Digest).Append(DeltaPlan.Compute(from, told).Digest).Distinct().Count();

        var whole = Times(WholeRepeats, () =>
        {
            var all = DeltaPlan.Compute(from, from.Next(2, Replacement));
            _ = all.Kept.Count + all.Inherited.Count;
        }).Order().ToList();
        return new DeltaPlanJob(
            layout.ToString(), layout.Size, from.Machines.Count, plan.Removed.Count, plan.Added.Count, plan.Kept.Count, plan.Inherited.Count, parts, whole[WholeRepeats / 2], digests == 1);
    }

    // From the order "this machine replaces that one" to the numbers that a participant reports and acts on.
    private static OwnPart OwnPart(Topology from, string participant, string machine)
    {
        var digest = "";
        var times = Times(Repeats, () =>
        {
            var plan = DeltaPlan.Compute(from, from.Next(2, Replacement));
            _ = plan.For(machine);
            digest = plan.Digest;
        });
        return new OwnPart(participant, times[0], times.Order().ElementAt(Repeats / 2), digest);
    }

    private static Topology TopologyOf(ParallelLayout layout, Func<int, (string Name, string Host, int Port)> machineAt, int generation)
    {
        var machines = Enumerable.Range(0, layout.Size / Tp).Select(machineAt).ToList();
        var members = Enumerable.Range(0, layout.Size).Select(rank => new Member(rank, machines[rank / Tp].Name, machines[rank / Tp].Host, machines[rank / Tp].Port)).ToList();
        return new Topology("bench", generation, layout, members, Key);
    }

    private static List<double> Times(int repeats, Action act)
    {
        var times = new List<double>();
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var started = Stopwatch.GetTimestamp();
            act();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return times;
    }

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <param name="FirstMs">Of the first time in this process, with whatever that compiles.</param>
internal sealed record OwnPart(string Participant, double FirstMs, double MedianMs, string Digest);

/// <param name="DigestsEqual">All participants, and one who was told the members in full, computed the same digest.</param>
internal sealed record DeltaPlanJob(
    string Layout, int Devices, int Machines, int Removed, int Added, int Kept, int Inherited, IReadOnlyList<OwnPart> OwnParts, double WholePlanMs, bool DigestsEqual);

internal sealed record DeltaPlanResult(
    double OwnPartBarMs, double WholePlanBarMs, bool OwnPartMet, bool WholePlanMet, bool ChangesIndependentOfSize, IReadOnlyList<DeltaPlanJob> Jobs);
