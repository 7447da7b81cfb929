using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class SwitchVoteTests
{
    private long _step;

    private readonly SwitchVote _vote = new(generation: 7);

    [Fact]
    public void Without_the_order_no_vote_is_cast() => _vote.Cast(_step++).ShouldBe(0);

    [Fact]
    public void With_the_order_every_ballot_carries_the_generation_until_it_is_agreed()
    {
        _vote.Order();
        _vote.Cast(_step++).ShouldBe(7);
        _vote.Settle(agreed: false).ShouldBeFalse();
        _vote.Cast(_step++).ShouldBe(7);
        _vote.Settle(agreed: true).ShouldBeFalse();
        _vote.IsAgreed.ShouldBeTrue();
        _vote.Cast(_step++).ShouldBe(0);
    }

    [Fact]
    public void Once_withdrawn_it_is_never_cast_again()
    {
        _vote.Order();
        _vote.Withdraw().ShouldBe(Withdrawal.Done);
        _vote.Order();
        _vote.Cast(_step++).ShouldBe(0);
        _vote.Commit().ShouldBeFalse();
    }

    [Fact]
    public void A_withdrawal_waits_for_the_ballot_in_flight_and_holds_when_it_was_not_agreed()
    {
        _vote.Order();
        _vote.Cast(_step++);
        _vote.Withdraw().ShouldBe(Withdrawal.Pending);
        _vote.Settle(agreed: false).ShouldBeTrue();
        _vote.Cast(_step++).ShouldBe(0);
        _vote.IsWithdrawn.ShouldBeTrue();
    }

    [Fact]
    public void A_withdrawal_that_waited_is_too_late_when_the_ballot_was_agreed()
    {
        _vote.Order();
        _vote.Cast(_step++);
        _vote.Withdraw().ShouldBe(Withdrawal.Pending);
        _vote.Settle(agreed: true).ShouldBeFalse();
        _vote.IsAgreed.ShouldBeTrue();
        _vote.Withdraw().ShouldBe(Withdrawal.TooLate);
    }

    [Fact]
    public void A_ballot_whose_outcome_is_unknown_cannot_be_withdrawn()
    {
        _vote.Order();
        _vote.Cast(_step++);
        _vote.Lost();
        _vote.Withdraw().ShouldBe(Withdrawal.TooLate);
    }

    [Fact]
    public void Whoever_reported_to_the_survivors_cannot_withdraw()
    {
        _vote.Commit().ShouldBeTrue();
        _vote.Withdraw().ShouldBe(Withdrawal.TooLate);
    }
}
