using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>How survivors notice: a dead machine by its sockets, a silent one by its silence. Each time only one way is open, the other deadlines are hours away.</summary>
public class NoticedFailuresTests
{
    private const long FailedStep = 4;

    private static readonly TimeSpan Hours = TimeSpan.FromHours(3);

    public static TheoryData<string> Layouts => ["dp3", "dp2 pp2", "dp2 tp2"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_machine_that_dies_is_noticed_by_its_sockets_and_no_deadline_passes(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 1, deadlines: new CollectivesOptions { PeerSilence = Hours, CallDeadline = Hours * 2 });
        var victim = job.Machines[1];
        job.Probes.DieAt(job.Cluster[victim], FailedStep, StepPoint.BeforeReduction, () => job.Completed(FailedStep - 1, job.Stayers(victim)));
        job.Cluster.Start(job.First);
        var parked = await job.ParkedAsync(1, job.Stayers(victim));

        parked.ShouldAllBe(stop => stop.SuspectMachine == victim && (stop.Cause == nameof(FailureKind.PeerReset) || stop.Cause == nameof(FailureKind.ReportedByPeer)));
        await ShouldGoOnAsync(job, victim);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_machine_that_falls_silent_with_its_connections_open_is_noticed_by_its_silence_alone(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 1, deadlines: new CollectivesOptions { PeerSilence = TimeSpan.FromMilliseconds(1500), CallDeadline = Hours });
        await using var network = new Network(job.Cluster);
        var from = job.Cluster.Topology(1, [.. job.Machines]);
        var victim = job.Machines[1];
        job.Probes.At(victim, FailedStep, StepPoint.BeforeReduction, _ =>
        {
            job.Completed(FailedStep - 1, job.Stayers(victim));
            network.CutOff(victim);
        });
        job.Cluster.Start(from);
        var parked = await job.ParkedAsync(1, job.Stayers(victim));

        parked.ShouldAllBe(stop => stop.SuspectMachine == victim && (stop.Cause == nameof(FailureKind.PeerSilent) || stop.Cause == nameof(FailureKind.ReportedByPeer)));
        parked.ShouldContain(stop => stop.Cause == nameof(FailureKind.PeerSilent));
        await ShouldGoOnAsync(job, victim, from);
    }

    private static async Task ShouldGoOnAsync(FailingJob job, string victim, Topology? from = null)
    {
        var to = job.After(from ?? job.First, 2, (victim, job.Standby(0)));
        var switched = await job.ReplaceLostAsync(from ?? job.First, to);
        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        // One failure, one error.
        job.Stayers(victim).ShouldAllBe(machine => job.Cluster[machine].Events.OfType<TrainingParked>().Count() == 1);
    }
}
