using CsCheck;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class StepAgreementTests
{
    private const int Generation = 2;
    private static readonly StepTotals Totals = new(Norm: 1.5, Loss: 2.5f);

    // What survivors can report after one failure: all completed k or k+1 steps; whoever lags has entered the commit if anybody passed it.
    private static readonly Gen<StepReport[]> ReportsOfOneFailure =
        from size in Gen.Int[1, 6]
        from step in Gen.Long[0, 1000]
        from passed in Gen.Bool.Array[size]
        from entered in Gen.Bool.Array[size]
        from agreed in Gen.Bool
        let anyPassed = passed.Any(p => p)
        select Enumerable.Range(0, size)
            .Select(rank => new StepReport(rank, passed[rank] ? step + 1 : step, !passed[rank] && (anyPassed || entered[rank]), passed[rank] && agreed ? Generation : 0, passed[rank] ? Totals : null))
            .ToArray();

    [Fact]
    public void One_passed_commit_makes_everybody_roll_forward() => ReportsOfOneFailure.Sample(reports =>
    {
        var outcome = StepAgreement.Decide(reports, Generation);
        var first = reports.Min(report => report.CompletedSteps);
        var last = reports.Max(report => report.CompletedSteps);
        outcome.CompletedSteps.ShouldBe(last);
        outcome.RollForward.ShouldBe(last == first ? [] : reports.Where(report => report.CompletedSteps == first).Select(report => report.Rank).ToArray());
    });

    [Fact]
    public void Who_rolls_forward_needs_what_the_commit_came_to()
    {
        StepReport[] reports = [new(0, 6, EnteredCommit: false, 0, Totals), new(1, 5, EnteredCommit: true, 0)];
        StepAgreement.Decide(reports, Generation).Totals.ShouldBe(Totals);
        Should.Throw<StepAgreementException>(() => StepAgreement.Decide([.. reports.Select(report => report with { Totals = null })], Generation)).Message.ShouldContain("Ranks 1 lag");
    }

    [Fact]
    public void Every_survivor_decides_the_same_whatever_the_order_of_the_reports() => ReportsOfOneFailure.Sample(reports =>
    {
        var outcome = StepAgreement.Decide(reports, Generation);
        var reversed = StepAgreement.Decide([.. reports.Reverse()], Generation);
        reversed.CompletedSteps.ShouldBe(outcome.CompletedSteps);
        reversed.RollForward.ShouldBe(outcome.RollForward);
        reversed.SwitchWasAgreed.ShouldBe(outcome.SwitchWasAgreed);
    });

    [Fact]
    public void One_survivor_that_saw_the_switch_agreed_is_enough() => ReportsOfOneFailure.Sample(reports =>
        StepAgreement.Decide(reports, Generation).SwitchWasAgreed.ShouldBe(reports.Any(report => report.AgreedGeneration == Generation)));

    [Fact]
    public void An_agreement_on_another_generation_does_not_count() =>
        StepAgreement.Decide([new StepReport(0, 5, false, Generation - 1)], Generation).SwitchWasAgreed.ShouldBeFalse();

    [Fact]
    public void A_survivor_that_lags_without_having_entered_the_commit_is_a_contradiction() =>
        Should.Throw<StepAgreementException>(() => StepAgreement.Decide([new StepReport(0, 5, false, 0), new StepReport(1, 4, false, 0)], Generation))
            .Message.ShouldContain("Rank 1 completed 4");

    [Fact]
    public void A_survivor_that_lags_by_two_steps_is_a_contradiction() =>
        Should.Throw<StepAgreementException>(() => StepAgreement.Decide([new StepReport(0, 5, false, 0), new StepReport(1, 3, true, 0)], Generation));

    [Fact]
    public void No_report_is_no_agreement() => Should.Throw<StepAgreementException>(() => StepAgreement.Decide([], Generation));
}
