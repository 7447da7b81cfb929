using TrainMover.Detection.Findings;
using TrainMover.Detection.WhatIf;
using static TrainMover.Detection.WhatIf.OperationTypes;

namespace TrainMover.Detection.Tests;

/// <summary>Two stages, two replicas, two micro-batches in the 1F1B schedule; times worked out by hand.</summary>
public class WhatIfTests
{
    private const int Steps = 5;

    [Fact]
    public void Without_stragglers_there_is_no_slowdown_and_nothing_to_tell()
    {
        var analysis = SlowdownAnalysis.Of(Pipeline((_, _, _) => 1));
        // Forward 1 and 1, backward 2 and 2 on the second stage, then the backward of the first: 1 + 1 + 2 + 1 + 2 + 2 and one second of optimizer.
        analysis.SimulatedSeconds.ShouldBe(10, 1e-9);
        analysis.IdealSeconds.ShouldBe(10, 1e-9);
        StragglerVerdict.Of(analysis).ShouldBeEmpty();
    }

    [Fact]
    public void A_slow_worker_is_named_and_explains_the_slowdown()
    {
        var analysis = SlowdownAnalysis.Of(Pipeline((_, replica, stage) => replica == 1 && stage == 1 ? 3 : 1));
        analysis.Workers[0].ShouldSatisfyAllConditions(
            worker => worker.Rank.ShouldBe(3), worker => worker.AgainstPeers.ShouldBe(3, 1e-9), worker => worker.SlowSteps.ShouldBe(1));
        var finding = StragglerVerdict.Of(analysis).ShouldHaveSingleItem();
        (finding.Kind, finding.Subject, finding.AsksForMigration).ShouldBe((FindingKind.SlowWorker, "3", true));
    }

    [Fact]
    public void A_long_last_stage_asks_for_no_migration()
    {
        var finding = StragglerVerdict.Of(SlowdownAnalysis.Of(Pipeline((_, _, stage) => stage == 1 ? 3 : 1))).ShouldHaveSingleItem();
        (finding.Kind, finding.Subject, finding.AsksForMigration).ShouldBe((FindingKind.UnevenStages, "stage 1", false));
    }

    [Fact]
    public void Work_that_is_uneven_by_chance_asks_for_no_migration()
    {
        var finding = StragglerVerdict.Of(SlowdownAnalysis.Of(Pipeline((step, replica, stage) => ((step * 2) + replica + stage) % 4 == 0 ? 3 : 1))).ShouldHaveSingleItem();
        (finding.Kind, finding.AsksForMigration).ShouldBe((FindingKind.WorkloadSkew, false));
    }

    [Fact]
    public void A_step_that_was_not_recorded_in_full_is_left_out()
    {
        var trace = Pipeline((_, _, _) => 1);
        var cut = trace with { Operations = [.. trace.Operations.Where(operation => operation is not { Step: 3, Rank: 3, Type: Optimizer })] };
        var analysis = SlowdownAnalysis.Of(cut);
        (analysis.Steps, analysis.IncompleteSteps).ShouldBe((Steps - 1, 1));
    }

    [Fact]
    public void A_trace_that_does_not_fit_together_is_refused()
    {
        Should.Throw<TraceException>(() => SlowdownAnalysis.Of(new OperationTrace([]))).Message.ShouldBe("The trace holds no operations.");
        var trace = Pipeline((_, _, _) => 1);
        Should.Throw<TraceException>(() => SlowdownAnalysis.Of(new OperationTrace([.. trace.Operations, trace.Operations[0]]))).Message.ShouldEndWith("was recorded twice in step 0.");
        Should.Throw<TraceException>(() => SlowdownAnalysis.Of(new OperationTrace([.. trace.Operations.Where(operation => operation is not { Type: ForwardSend, Sequence: 1 })])))
            .Message.ShouldBe("Stage 0 has 1 forward-send operations, stage 1 has 2 forward-recv operations.");
    }

    private static OperationTrace Pipeline(Func<int, int, int, double> slowness)
    {
        var operations = new List<Operation>();
        for (var step = 0; step < Steps; step++)
        {
            for (var replica = 0; replica < 2; replica++) Record(operations, step, replica, stage => slowness(step, replica, stage));
            var ends = operations.Where(operation => operation.Step == step && operation.Type == BackwardCompute).GroupBy(operation => (operation.DpRank, operation.Stage))
                .ToDictionary(worker => worker.Key, worker => worker.Max(operation => operation.End));
            var last = ends.Values.Max();
            foreach (var ((replica, stage), end) in ends)
            {
                operations.Add(new Operation(replica, stage, (stage * 2) + replica, step, ClipGradients, end, last - end, 0, -1, -1, -1));
                operations.Add(new Operation(replica, stage, (stage * 2) + replica, step, Optimizer, last, 1, 0, -1, -1, -1));
            }
        }

        return new OperationTrace(operations);
    }

    private static void Record(List<Operation> operations, int step, int replica, Func<int, double> slowness)
    {
        var (first, last) = (slowness(0), slowness(1));
        var begin = step * 1000.0;
        void Add(int stage, string type, int sequence, double start, double end) => operations.Add(
            new Operation(replica, stage, (stage * 2) + replica, step, type, begin + start, end - start, sequence, IsCompute(type) ? 0 : -1, IsCompute(type) ? stage : -1, -1));
        // First stage: F0 F1 B0 B1; last stage: F0 B0 F1 B1.
        double[] sent = [first, 2 * first];
        Add(0, ForwardCompute, 0, 0, sent[0]);
        Add(0, ForwardCompute, 1, sent[0], sent[1]);
        var at = 0.0;
        var back = sent[1];
        for (var batch = 0; batch < 2; batch++)
        {
            var received = Math.Max(at, sent[batch]);
            Add(0, ForwardSend, batch, sent[batch], received);
            Add(1, ForwardReceive, batch, at, received);
            Add(1, ForwardCompute, batch, received, received + last);
            Add(1, BackwardCompute, batch, received + last, at = received + (3 * last));
            var begun = Math.Max(at, back);
            Add(1, BackwardSend, batch, at, begun);
            Add(0, BackwardReceive, batch, back, begun);
            Add(0, BackwardCompute, batch, begun, back = begun + (2 * first));
        }
    }
}
