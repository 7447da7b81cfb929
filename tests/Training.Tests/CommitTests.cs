using CsCheck;
using TrainMover.Collectives;

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

        var folded = CommitCollective.Fold([.. ballots.Select(ballot => new CommitShare(ballot, 0.0, 0f))], addNorms: true, lossFrom: 0);
        var verdict = CommitCollective.Run(ThreadGroups.Alone, folded, normIsPartial: false);
        verdict.ShouldBe(new CommitVerdict(passed, agreed, 0.0, 0f));
    });

    [Theory]
    [InlineData(false, 3.0)]
    [InlineData(true, 10.0)]
    public void Squared_norms_are_added_where_they_are_parts_and_the_loss_is_that_of_the_rank_that_has_it(bool addNorms, double squaredNorm)
    {
        CommitShare[] shares = [new(new(true, 1), 3.0, 0f), new(new(true, 1), 5.0, 0f), new(new(true, 1), 2.0, 7f)];

        var folded = CommitCollective.Fold(shares, addNorms, lossFrom: 2);

        (folded.SquaredNorm, folded.Loss).ShouldBe((squaredNorm, 7.0));
    }

    [Fact]
    public void A_share_has_no_padding() => System.Runtime.CompilerServices.Unsafe.SizeOf<CommitShare>().ShouldBe(32);

    [Fact]
    public void All_ranks_of_a_layout_come_to_the_same_verdict_with_the_norm_of_the_whole_model()
    {
        var groups = ThreadGroups.Of(new ParallelLayout(Dp: 2, Pp: 2, Tp: 2));
        var verdicts = new CommitVerdict[8];
        Ranks.Run(groups, own => verdicts[own.Rank] = CommitCollective.Run(
            own, new CommitShare(new CommitBallot(true, 4), squaredNorm: own.Position is { Pp: 0, Tp: 0 } ? 16.0 : 0.0, loss: own.Position.Pp == 1 ? 6f : 0f), normIsPartial: false));

        verdicts.ShouldAllBe(verdict => verdict == new CommitVerdict(true, 4, 2.0, 3f));
    }

    [Fact]
    public void One_vote_less_anywhere_is_no_agreement()
    {
        var groups = ThreadGroups.Of(new ParallelLayout(Dp: 2, Pp: 2));
        for (var dissenter = 0; dissenter < 4; dissenter++)
        {
            var verdicts = new CommitVerdict[4];
            Ranks.Run(groups, own => verdicts[own.Rank] = CommitCollective.Run(
                own, new CommitShare(new CommitBallot(true, own.Rank == dissenter ? 0 : 4), 0.0, 0f), normIsPartial: false));
            verdicts.ShouldAllBe(verdict => verdict == new CommitVerdict(true, 0, 0.0, 0f));
        }
    }

    [Fact]
    public void A_negative_generation_is_refused()
    {
        using var replica = TinyJob.NewReplica();

        Should.Throw<InvalidOperationException>(() => new StepCommit(replica, ThreadGroups.Alone).Enter(new CommitBallot(true, -1)));
    }

    [Fact]
    public void A_commit_that_does_not_pass_leaves_the_replica_as_it_was()
    {
        using var replica = TinyJob.NewReplica();
        var digest = replica.Digest();

        var outcome = StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, commit => commit.Enter(new CommitBallot(Ready: false, Generation: 3)));

        (outcome.Verdict.Passed, outcome.Verdict.AgreedGeneration).ShouldBe((false, 0));
        replica.Digest().ShouldBe(digest);
        replica.Step.ShouldBe(0);
    }

    [Fact]
    public void Ranks_that_commit_different_steps_meet_an_error_and_not_wrong_numbers() =>
        Should.Throw<InvalidOperationException>(() => CommitCollective.Fold(
            [new CommitShare(new CommitBallot(true, 0), 1.0, 1f, step: 5), new CommitShare(new CommitBallot(true, 0), 1.0, 1f, step: 6)], addNorms: true, lossFrom: 0))
            .Message.ShouldContain("5 and 6");
}
