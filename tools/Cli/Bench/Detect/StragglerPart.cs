using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Findings;
using TrainMover.Detection.WhatIf;
using YamlDotNet.Serialization;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Operation traces with reference answers: who is slow, and what the slowdown is due to.</summary>
internal static class StragglerPart
{
    private const double Agreement = 0.05;

    // A slowdown that goes away with the slowest workers by this part is a matter of workers, as in the paper.
    private const double OfWorkers = 0.5;

    public static Measured Run(IReadOnlyList<string> folders, IProgress<string> progress)
    {
        var traces = new List<TraceResult>();
        foreach (var folder in folders)
        {
            foreach (var path in Directory.GetFiles(folder, "trace-*.csv.gz").Order(StringComparer.Ordinal))
            {
                var name = Path.GetFileName(path)["trace-".Length..^".csv.gz".Length];
                progress.Report($"operation trace {name}");
                traces.Add(Judge(folder, name, path));
            }
        }

        var slow = traces.Where(trace => trace.HasSlowWorker).ToList();
        return new Measured(
            [
                new ScorecardRow(
                    "operation traces", StragglerVerdict.Name, "slow worker", slow.Count, slow.Count(trace => trace.Workers.Contains(trace.SlowestOfReference)),
                    traces.Sum(trace => trace.HasSlowWorker ? trace.Workers.Count(worker => worker != trace.SlowestOfReference) : trace.Workers.Count), null, null),
            ],
            [
                .. traces.Select(trace => new Bar(
                    trace.HasSlowWorker ? $"{trace.Name}: the slow worker is named, migration is asked for" : $"{trace.Name}: no migration is asked for", trace.Verdict,
                    trace.HasSlowWorker ? trace.Workers.SequenceEqual([trace.SlowestOfReference]) : trace.Workers.Count == 0)),
                .. traces.Select(trace => new Bar($"{trace.Name}: attribution within 5% of the reference", $"largest deviation {trace.LargestDeviation:P3} ({trace.LargestDeviationOf})", trace.LargestDeviation <= Agreement)),
            ],
            traces,
            []);
    }

    private static TraceResult Judge(string folder, string name, string path)
    {
        var meta = new DeserializerBuilder().Build().Deserialize<Dictionary<string, string>>(File.ReadAllText(DetectionData.Required(folder, $"meta-{name}.yaml")));
        var operations = Tables.Named(path).Select(row => new Operation(
            row.Whole("dp_rank"), row.Whole("stage"), row.Whole("rank"), row.Whole("step"), row.Text("optype"), row.Number("start_ts"), row.Number("duration"), row.Whole("seq_id"),
            row.Whole("mc"), row.Whole("gmc"), row.Whole("mb_id"))).ToList();
        SlowdownAnalysis analysis;
        try
        {
            analysis = SlowdownAnalysis.Of(new OperationTrace(operations, int.TryParse(meta.GetValueOrDefault("dsp_size"), out var parallel) ? parallel : 1));
        }
        catch (TraceException exception)
        {
            throw new BadInputException($"{path}: {exception.Message}");
        }

        using var result = JsonDocument.Parse(File.ReadAllText(DetectionData.Required(folder, $"result-{name}.json")));
        using var slowest = JsonDocument.Parse(File.ReadAllText(DetectionData.Required(folder, $"mw-{name}.json")));
        using var last = JsonDocument.Parse(File.ReadAllText(DetectionData.Required(folder, $"ms-{name}.json")));
        var byReplica = Slowdowns(result, "blocking_decompose_by_dp_rank");
        var byStage = Slowdowns(result, "blocking_decompose_by_stage");
        var workersShare = slowest.RootElement.GetProperty("Mw").GetDouble();
        var lastStageShare = last.RootElement.GetProperty("Ms").GetDouble();
        var deviations = new List<(string What, double Deviation)>
        {
            ("slowdown", Relative(analysis.Slowdown, result.RootElement.GetProperty("blocking_slowdown").GetDouble())),
            // Parts of a whole: they deviate in parts of it.
            ("part of the slowest workers", Math.Abs(analysis.SlowestWorkersShare - workersShare)),
            ("part of the last stage", Math.Abs(analysis.LastStageShare - lastStageShare)),
        };
        deviations.AddRange(byReplica.Select(one => ($"replica {one.Key}", Relative(analysis.ByReplica.GetValueOrDefault(int.Parse(one.Key)), one.Value))));
        deviations.AddRange(byStage.Select(one => ($"stage {one.Key}", Relative(analysis.ByStage.GetValueOrDefault(int.Parse(one.Key)), one.Value))));
        deviations.AddRange(Slowdowns(result, "blocking_decompose_by_optype").Select(one => (one.Key, Relative(analysis.ByType.GetValueOrDefault(one.Key), one.Value))));
        var largest = deviations.MaxBy(deviation => deviation.Deviation);

        // The reference names a worker by the replica and the stage that slow the job most.
        var reference = analysis.Workers.MaxBy(worker => Math.Min(byReplica.GetValueOrDefault($"{worker.Replica}"), byStage.GetValueOrDefault($"{worker.Stage}")))!.Rank;
        var findings = StragglerVerdict.Of(analysis);
        return new TraceResult(
            name, analysis.Slowdown, analysis.SlowestWorkersShare, analysis.LastStageShare, workersShare >= OfWorkers, reference,
            [.. findings.Where(finding => finding is { Kind: FindingKind.SlowWorker, AsksForMigration: true }).Select(finding => int.Parse(finding.Subject))],
            string.Join(" ", findings.Select(finding => finding.Reason)), largest.Deviation, largest.What, findings);
    }

    private static Dictionary<string, double> Slowdowns(JsonDocument result, string name) => result.RootElement.TryGetProperty(name, out var slowdowns) && slowdowns.ValueKind == JsonValueKind.Object
        ? slowdowns.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetDouble(), StringComparer.Ordinal)
        : [];

    private static double Relative(double seen, double reference) => reference == 0 ? Math.Abs(seen) : Math.Abs((seen - reference) / reference);

    private sealed record TraceResult(
        string Name, double Slowdown, double SlowestWorkersShare, double LastStageShare, bool HasSlowWorker, int SlowestOfReference, IReadOnlyList<int> Workers, string Verdict,
        double LargestDeviation, string LargestDeviationOf, IReadOnlyList<Finding> Findings);
}
