using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Stragglers;

namespace TrainMover.Detection.Running;

/// <summary>Settings of <see cref="JobWatch"/>.</summary>
public sealed record JobWatchSettings : DetectorSettings
{
    /// <summary>Steps at the start, after a switch and after a pause that say nothing of anybody's pace: code and caches are cold. Default 5.</summary>
    public int Settle { get; init; } = 5;

    /// <summary>Steps that are kept while ranks are missing. Default 16.</summary>
    public int Unfinished { get; init; } = 16;

    /// <summary>
    /// How ranks of one stage are compared. What is tolerated is half of the slowness that has to be found, 20%, however much paces differ from step to step; the more they do, the longer it has to add up, and so long that work
    /// that differs from step to step makes nobody slow (see <see cref="PeerSlowdownSettings.ChanceEvery"/>; what spreads so is not normal, so the figure is large). Nobody is found before being slow for two seconds, as steps
    /// may be short, and in six of them: something else on its host slows a worker down for four or five steps at times.
    /// </summary>
    public PeerSlowdownSettings Peers { get; init; } = new() { Spreads = 0, ChanceEvery = 1e10, Iterations = 6, Lasting = TimeSpan.FromSeconds(2) };

    /// <summary>When the whole job counts as slow.</summary>
    public JobSlowdownSettings Job { get; init; } = new();

    /// <summary>When the loss counts as corrupt.</summary>
    public LossWatchSettings Loss { get; init; } = new();

    /// <summary>When the job hangs and nothing says for whom it waits: 30 s and three usual steps by default, since nobody can be replaced for it.</summary>
    public HangWatchSettings Hang { get; init; } = new() { Slack = TimeSpan.FromSeconds(30) };

    /// <summary>Usual steps without any progress after which a job hangs on a worker whose process is known to be stopped. Default 2.</summary>
    public double StoppedSteps { get; init; } = 2;

    /// <summary>How long the process has to be stopped as well: a debugger stops it for less. Default 200 ms.</summary>
    public TimeSpan StoppedFor { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Usual steps without any progress after which a job hangs on the one machine from which a rank does not say that it waits. Default 3.</summary>
    public double StuckSteps { get; init; } = 3;

    /// <summary>How long there has to be no progress as well: a core that is taken for a moment is no hang, and transports give a call up much later. Default 5 s.</summary>
    public TimeSpan StuckFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        { Settle: < 0 } => $"Settle is {Settle}; it is not negative.",
        { Unfinished: < 1 } => $"Unfinished is {Unfinished}; it is positive.",
        _ when !(StoppedSteps >= 1) => $"StoppedSteps is {StoppedSteps}; it is at least 1.",
        _ when StoppedFor < TimeSpan.Zero => $"StoppedFor is {StoppedFor}; it is not negative.",
        _ when !(StuckSteps >= 1) => $"StuckSteps is {StuckSteps}; it is at least 1.",
        _ when StuckFor < TimeSpan.Zero => $"StuckFor is {StuckFor}; it is not negative.",
        _ => Peers.BrokenRule() ?? Job.BrokenRule() ?? Loss.BrokenRule() ?? Hang.BrokenRule(),
    };
}
