using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>With a sharded optimizer: the group breaks in the step at whose end the switch is agreed, before all ranks have the parameters that the others updated.</summary>
public class MissedParametersTests
{
    private const long Boundary = 4;

    [Theory]
    [InlineData("m0")]
    [InlineData("m1")]
    [InlineData("m2")]
    public async Task Who_misses_parameters_of_the_boundary_has_all_ranks_gather_them_in_the_next_generation(string missing)
    {
        await using var job = FailingJob.Create("dp3 zero", standbys: 1);
        var to = job.After(job.First, 2, (job.Machines[^1], job.Standby(0)));
        var gate = job.HoldBefore(Boundary);
        using var committed = new CountdownEvent(job.Machines.Count - 1);
        foreach (var machine in job.Machines.Where(machine => machine != missing))
            job.Probes.At(machine, Boundary, job.Committed, _ => committed.Signal());
        job.Probes.At(missing, Boundary, StepPoint.BeforeParameters, _ =>
        {
            committed.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
            throw new IOException("The network broke down.");
        });
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(to, job.Standby(0), gate);
        var switched = await job.SwitchedAsync(to);

        switched.ShouldAllBe(done => done.ResumedStep == Boundary + 1);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }
}
