using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>Which requests a session remembers.</summary>
public sealed class AnswerLedgerTests
{
    private static readonly MigrationDropped Answer = new() { Job = "gpt", Generation = 2 };

    [Fact]
    public void The_oldest_requests_are_forgotten_first()
    {
        var ledger = new AnswerLedger(2);
        foreach (var request in (string[])["a", "b", "c"]) ledger.Accept(request);
        ledger.Find("a").ShouldBeNull();
        ledger.Find("b").ShouldNotBeNull();
        ledger.Find("c").ShouldNotBeNull();
    }

    [Fact]
    public void A_request_that_was_refused_and_came_again_is_as_young_as_its_last_coming()
    {
        var ledger = new AnswerLedger(2);
        ledger.Accept("again");
        ledger.Forget("again");
        ledger.Accept("other");
        ledger.Accept("again");
        ledger.Answer("again", Answer);
        ledger.Accept("last");
        ledger.Find("other").ShouldBeNull();
        ledger.Find("again").ShouldNotBeNull().ShouldBe([Answer]);
    }
}
