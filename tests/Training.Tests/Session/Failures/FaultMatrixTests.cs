using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>How a machine is lost, as its peers see it.</summary>
public enum Fault
{
    /// <summary>SIGKILL: its sockets are reset.</summary>
    Killed,

    /// <summary>SIGSTOP: its sockets stay open, take bytes until they are full, and nothing comes.</summary>
    Stopped,

    /// <summary>A proxy on the way takes every byte, and passes none on.</summary>
    Swallowed,
}

/// <summary>Every kind of fault in every kind of layout at every part of a step: survivors stop with a typed error, go on with the joiner, and end like a run that lost nobody.</summary>
public class FaultMatrixTests
{
    private const long FailedStep = 4;

    private static readonly CollectivesOptions Deadlines = new() { PeerSilence = TimeSpan.FromMilliseconds(1500), CallDeadline = TimeSpan.FromHours(3) };

    public static TheoryData<string, Fault, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, Fault, string>();
            foreach (var fault in Enum.GetValues<Fault>())
            {
                foreach (var layout in (string[])["dp3", "dp2 pp2", "dp2 tp2", "dp3 zero"])
                {
                    cases.Add(layout, fault, nameof(StepPoint.AfterReduction));
                    cases.Add(layout, fault, nameof(StepPoint.AfterCommit));
                }

                // A pipeline alone has nothing to reduce, and no second copy: all return to a checkpoint.
                cases.Add("pp3", fault, nameof(StepPoint.AfterJobCommit));
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_machine_that_is_lost_in_a_step_is_replaced_and_the_run_ends_as_if_nothing_had_happened(string layout, Fault fault, string point)
    {
        await using var job = FailingJob.Create(layout, standbys: 1, checkpointEvery: layout.StartsWith("dp", StringComparison.Ordinal) ? 0 : 2, deadlines: Deadlines);
        await using var network = new Network(job.Cluster);
        var from = job.Cluster.Topology(1, [.. job.Machines]);
        var victim = job.Machines[1];
        var resumed = new Gate();
        var at = Enum.Parse<StepPoint>(point);
        switch (fault)
        {
            case Fault.Killed:
                job.Probes.DieAt(job.Cluster[victim], FailedStep, at);
                break;
            case Fault.Stopped:
                job.Probes.At(victim, FailedStep, at, _ =>
                {
                    network.Stop(victim);
                    resumed.Pass();
                });
                break;
            default:
                job.Probes.At(victim, FailedStep, at, _ => network.CutOff(victim));
                break;
        }

        job.Cluster.Start(from);
        var parked = await job.ParkedAsync(1, job.Stayers(victim));
        parked.ShouldAllBe(stop => stop.SuspectMachine == victim && IsTyped(stop.Cause, fault));
        var to = job.After(from, 2, (victim, job.Standby(0)));
        var switched = await job.ReplaceLostAsync(from, to);

        // Whether the step counts depends on who had seen the commit pass, and is the same for all.
        switched.Select(done => done.ResumedStep).Distinct().ShouldHaveSingleItem();
        switched.ShouldAllBe(done => done.Connections == done.Planned);
        if (layout.StartsWith("dp", StringComparison.Ordinal))
            switched.ShouldAllBe(done => done.LostSteps == 0 && done.ResumedStep >= FailedStep && done.ResumedStep <= FailedStep + 1);
        else
            switched.ShouldAllBe(done => done.Source == SessionStateSource.Checkpoint);

        // A process that is continued is met by closed connections, and disturbs nobody.
        network.Continue(victim);
        resumed.Open();
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        job.Stayers(victim).ShouldAllBe(machine => job.Cluster[machine].Events.OfType<TrainingParked>().Count() == 1);
    }

    private static bool IsTyped(string cause, Fault fault) =>
        cause == nameof(FailureKind.ReportedByPeer) || cause == (fault == Fault.Killed ? nameof(FailureKind.PeerReset) : nameof(FailureKind.PeerSilent));
}
