using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Detection;

namespace TrainMover.Domain.Tests;

public sealed class RecoveryTests
{
    private readonly Ledger _ledger = Ledger.WithRunningJob();

    [Fact]
    public void What_is_below_a_replacement_recovers_and_a_code_that_asks_for_one_stays()
    {
        Found("a", InterruptionCause.ErrorCode, Severity.Restart);
        Found("b", InterruptionCause.ErrorCode, Severity.Replace);
        Recover(InterruptionCause.ErrorCode).ShouldBe([new InterruptionRecovered("a", "over")]);
        Recover(InterruptionCause.ErrorCode).ShouldBeEmpty();
    }

    [Fact]
    public void Only_what_the_same_detector_said_of_the_same_machine_and_cause_recovers()
    {
        Found("a", InterruptionCause.ThermalThrottle, Severity.Replace);
        Found("b", InterruptionCause.MemoryError, Severity.Replace, "m2");
        Recover(InterruptionCause.MemoryError, InterruptionCause.ErrorCode).ShouldBeEmpty();
        _ledger.Append(new Recovery("hang", "m1", [InterruptionCause.ThermalThrottle], "over").Decide(_ledger.World)).ShouldBeEmpty();
        Recover(InterruptionCause.ThermalThrottle, InterruptionCause.MemoryError).ShouldBe([new InterruptionRecovered("a", "over")]);
    }

    [Fact]
    public void What_a_migration_is_answering_stays_with_the_migration()
    {
        Found("a", InterruptionCause.ThermalThrottle, Severity.Replace);
        _ledger.Plan().ShouldNotBeEmpty();
        Recover(InterruptionCause.ThermalThrottle).ShouldBeEmpty();
    }

    private void Found(string id, InterruptionCause cause, Severity severity, string machine = "m1") =>
        _ledger.Append(new Decision(_ledger.World).Found("devices", new InterruptionRaised(id, InterruptionKind.Expected, cause, severity, [machine], "Because.", "devices", []))).Count.ShouldBe(1);

    private IReadOnlyList<object> Recover(params InterruptionCause[] causes) => _ledger.Append(new Recovery("devices", "m1", causes, "over").Decide(_ledger.World));
}
