using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class MailboxTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Mailbox<string> _mailbox = new();

    [Fact]
    public void What_is_posted_is_taken_in_order()
    {
        _mailbox.Post("first");
        _mailbox.Post("second");
        _mailbox.Take().ShouldBe("first");
        _mailbox.Take(TimeSpan.Zero).ShouldBe("second");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(10)]
    public void Patience_ends(int milliseconds) => _mailbox.Take(TimeSpan.FromMilliseconds(milliseconds)).ShouldBeNull();

    [Fact]
    public async Task Whoever_waits_is_woken_by_a_post()
    {
        var taken = Task.Factory.StartNew(() => _mailbox.Take(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _mailbox.Post("late");
        (await taken.WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBe("late");
    }

    [Fact]
    public async Task A_closed_one_gives_what_it_has_takes_nothing_more_and_lets_nobody_wait()
    {
        _mailbox.Post("before");
        var twice = Task.Factory.StartNew(() => (_mailbox.Take(), _mailbox.Take()), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _mailbox.Close();
        _mailbox.Post("after");
        (await twice.WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBe(("before", null));
    }
}
