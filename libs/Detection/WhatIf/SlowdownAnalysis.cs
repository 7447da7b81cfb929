namespace TrainMover.Detection.WhatIf;

/// <summary>How much slower than without stragglers a job was, and what that is due to. Slowdowns are ratios of mean step times: 1 is no slowdown.</summary>
/// <param name="StepSeconds">Mean measured step.</param>
/// <param name="SimulatedSeconds">Mean step as the recorded durations alone explain it, without delays on the host.</param>
/// <param name="IdealSeconds">Mean step if all operations of a type took equally long.</param>
/// <param name="Steps">Complete steps that were looked at.</param>
/// <param name="IncompleteSteps">Steps that were left out.</param>
/// <param name="ByReplica">Slowdown that each data-parallel rank alone causes.</param>
/// <param name="ByStage">Slowdown that each pipeline stage alone causes.</param>
/// <param name="ByType">Slowdown that each type of operation alone causes; both ends of transfers between stages are one type.</param>
/// <param name="Workers">What each worker causes.</param>
/// <param name="SlowestWorkersShare">Part of the slowdown that goes away without the slowest 3% of the workers (M_W of the paper).</param>
/// <param name="LastStageShare">Part of the slowdown that goes away without the last stage's surplus (M_S of the paper).</param>
public sealed record SlowdownAnalysis(
    double StepSeconds, double SimulatedSeconds, double IdealSeconds, int Steps, int IncompleteSteps,
    IReadOnlyDictionary<int, double> ByReplica, IReadOnlyDictionary<int, double> ByStage, IReadOnlyDictionary<string, double> ByType,
    IReadOnlyList<WorkerSlowdown> Workers, double SlowestWorkersShare, double LastStageShare)
{
    // Part of the workers that count as the slowest, in percent.
    private const int SlowestPercent = 3;

    /// <summary>Slowdown due to stragglers of any kind.</summary>
    public double Slowdown => SimulatedSeconds / IdealSeconds;

    /// <summary>Slowdown due to delays on the host that no operation shows.</summary>
    public double HostSlowdown => StepSeconds / SimulatedSeconds;

    /// <summary>Analyses a trace by simulating its steps again with some durations replaced ("Understanding Stragglers in Large Model Training Using What-if Analysis").</summary>
    /// <exception cref="TraceException">The operations do not fit together.</exception>
    public static SlowdownAnalysis Of(OperationTrace trace)
    {
        var timeline = Timeline.Of(trace);
        var keys = timeline.Keys;
        var replicas = timeline.Replicas;
        var simulated = timeline.StepTimes(_ => true);
        var ideal = timeline.StepTimes(_ => false);
        var idealMean = ideal.Average();
        int Stage(int index) => keys[index / replicas].Stage;
        double Alone(Func<int, bool> isRecorded) => timeline.StepTimes(isRecorded).Average() / idealMean;

        var byReplica = Enumerable.Range(0, replicas).ToDictionary(replica => replica, replica => Alone(index => index % replicas == replica));
        var byStage = keys.Select(key => key.Stage).Distinct().Order().ToDictionary(stage => stage, stage => Alone(index => Stage(index) == stage));
        var byType = keys.Select(key => TypeOf(key.Type)).Distinct(StringComparer.Ordinal)
            .ToDictionary(type => type, type => Alone(index => TypeOf(keys[index / replicas].Type) == type), StringComparer.Ordinal);

        var pace = new WorkerPace(timeline);
        var workers = Enumerable.Range(0, keys.Count * replicas).Select(index => (Rank: timeline.Ranks[index], Replica: index % replicas, Stage: Stage(index))).Distinct()
            .Select(worker => new WorkerSlowdown(
                worker.Rank, worker.Replica, worker.Stage, Math.Min(byReplica[worker.Replica], byStage[worker.Stage]), pace.AgainstPeers(worker.Replica, worker.Stage), pace.SlowSteps(worker.Replica, worker.Stage)))
            .OrderByDescending(worker => worker.Slowdown).ThenBy(worker => worker.Rank).ToList();

        // A job without any slowdown has none to share out.
        double Share(Func<int, bool> isReplaced) =>
            simulated.Average() - idealMean is var all && Math.Abs(all) > 1e-9 ? (simulated.Average() - timeline.StepTimes(index => !isReplaced(index)).Average()) / all : 0;
        var slowest = workers.Take(((workers.Count * SlowestPercent) + 99) / 100).Select(worker => worker.Rank).ToHashSet();
        return new SlowdownAnalysis(
            timeline.Measured.Average(), simulated.Average(), idealMean, timeline.Steps.Count, timeline.IncompleteSteps, byReplica, byStage, byType, workers,
            Share(index => slowest.Contains(timeline.Ranks[index])), Share(index => Stage(index) == byStage.Keys.Max()));
    }

    private static string TypeOf(string type) => type switch
    {
        OperationTypes.ForwardSend or OperationTypes.ForwardReceive => "forward-pp-comm",
        OperationTypes.BackwardSend or OperationTypes.BackwardReceive => "backward-pp-comm",
        _ => type,
    };
}

/// <summary>What one worker causes.</summary>
/// <param name="Rank">Global rank.</param>
/// <param name="Replica">Data-parallel rank.</param>
/// <param name="Stage">Pipeline stage.</param>
/// <param name="Slowdown">Slowdown of the job that both its replica alone and its stage alone cause.</param>
/// <param name="AgainstPeers">Its computation against the median of its peers on the same stage, which have the same work; 1 where it has none.</param>
/// <param name="SlowSteps">Part of the steps in which it was the slowest of these and at least a twentieth slower than their median.</param>
public sealed record WorkerSlowdown(int Rank, int Replica, int Stage, double Slowdown, double AgainstPeers, double SlowSteps);
