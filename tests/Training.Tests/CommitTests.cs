using CsCheck;

namespace TrainMover.Training.Tests;

public class CommitTests
{
    private static readonly Gen<CommitBallot[]> Ballots =
        Gen.Select(Gen.Frequency((1, Gen.Const(false)), (5, Gen.Const(true))), Gen.Int[0, 2]).Select((ready, generation) => new CommitBallot(ready, generation)).Array[1, 6];

    [Fact]
    public void The_verdict_passes_when_all_are_ready_and_agrees_when_all_vote_alike() => Ballots.Sample(ballots =>
    {
        var first = ballots[0].Generation;
        var passed = ballots.All(ballot => ballot.Ready);
        var agreed = passed && ballots.All(ballot => ballot.Generation == first) ? first : 0;

        Tally(ballots).ShouldBe(new CommitVerdict(passed, agreed));
    });

    [Fact]
    public void The_highest_generation_survives_float32() =>
        Tally([new(true, CommitBallot.HighestGeneration), new(true, CommitBallot.HighestGeneration)]).ShouldBe(new CommitVerdict(true, CommitBallot.HighestGeneration));

    [Fact]
    public void Neighbouring_high_generations_do_not_agree() =>
        Tally([new(true, CommitBallot.HighestGeneration), new(true, CommitBallot.HighestGeneration - 1)]).ShouldBe(new CommitVerdict(true, 0));

    [Theory]
    [InlineData(-1)]
    [InlineData(CommitBallot.HighestGeneration + 1)]
    public void A_generation_that_cannot_be_carried_is_refused(int generation) =>
        Should.Throw<InvalidOperationException>(() => new CommitBallot(true, generation).Write(new float[CommitBallot.Length]));

    [Fact]
    public void A_commit_that_does_not_pass_leaves_the_replica_as_it_was()
    {
        using var replica = TinyJob.NewReplica();
        var digest = replica.Digest();

        var outcome = StepProtocol.TrainStep(
            replica, TinyJob.Text, ThreadGroup.Of(1)[0], group => StepProtocol.Commit(group, new CommitBallot(Ready: false, Generation: 3)));

        outcome.Verdict.ShouldBe(new CommitVerdict(false, 0));
        replica.Digest().ShouldBe(digest);
        replica.Step.ShouldBe(0);
    }

    private static CommitVerdict Tally(CommitBallot[] ballots)
    {
        var reduced = new float[CommitBallot.Length];
        Array.Fill(reduced, float.PositiveInfinity);
        var values = new float[CommitBallot.Length];
        foreach (var ballot in ballots)
        {
            ballot.Write(values);
            for (var i = 0; i < reduced.Length; i++)
                reduced[i] = MathF.Min(reduced[i], values[i]);
        }

        return CommitVerdict.From(reduced);
    }
}
