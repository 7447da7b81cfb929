using TrainMover.Collectives;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>With a sharded optimizer: the update of the step in which a switch was agreed is held until the switch is done, and a machine is lost before all ranks have the parameters that the others updated.</summary>
public class MissedParametersTests
{
    private const int FirstHeld = 2;
    private const int LastHeld = 9;

    // Steps are counted by commits, and no commit of the generation came before.
    private const long BeforeFirstCommit = -1;

    [Theory]
    [InlineData("m0", true)]
    [InlineData("m1", true)]
    [InlineData("m3", true)]
    [InlineData("m1", false)]
    [InlineData("m3", false)]
    public async Task Who_misses_parameters_of_the_boundary_gathers_them_in_the_next_generation(string lost, bool following)
    {
        await using var job = FailingJob.Create("dp3 zero", standbys: 2, following: following);
        var agreed = job.After(job.First, 2, ("m2", job.Standby(0)));
        var to = job.After(agreed, 3, (lost, job.Standby(1)));
        job.Probes.DieAt(job.Cluster[lost], BeforeFirstCommit, StepPoint.BeforeParameters);
        var boundary = await AgreeAsync(job, agreed);
        string[] survivors = [.. agreed.Machines.Where(machine => machine != lost)];
        var parked = await job.ParkedAsync(2, survivors);
        var switched = await job.ReplaceLostAsync(agreed, to);

        parked.ShouldAllBe(stop => stop.Step == boundary + 1);
        switched.ShouldAllBe(done => done.ResumedStep == boundary + 1 && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    // A leaver that is followed is prepared when its joiner has caught up, for which one step or more must be made. The step in which all voted.
    private static async Task<long> AgreeAsync(FailingJob job, Topology agreed)
    {
        string[] participants = [.. job.Machines, job.Standby(0)];
        var gates = Enumerable.Range(FirstHeld, LastHeld - FirstHeld + 1).Select(step => (Step: (long)step, Gate: job.HoldBefore(step))).ToList();
        job.Cluster.Start(job.First);
        await gates[0].Gate.ReachedAsync();
        job.Cluster.Prepare(job.First, agreed, participants);
        var ready = job.ReadyAsync(agreed, participants);
        foreach (var (step, gate) in gates)
        {
            await gate.ReachedAsync();
            if (await Task.WhenAny(ready, Task.Delay(TimeSpan.FromMilliseconds(500))) == ready)
            {
                job.Cluster.Switch(agreed, leaverLost: false, participants);
                gates.ForEach(held => held.Gate.Open());
                return step;
            }

            gate.Open();
        }

        throw new TimeoutException("The joiner did not catch up.");
    }
}
