using System.Text;
using System.Threading.Channels;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class LogFollowerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("follow-").FullName;
    private readonly CancellationTokenSource _end = new();
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private Task _following = Task.CompletedTask;

    private string File => Path.Combine(_folder, "kern.log");

    [Fact]
    public async Task What_is_appended_is_seen_and_what_was_there_is_not()
    {
        await System.IO.File.WriteAllTextAsync(File, "old\n");
        await FollowAsync();
        Append("one\ntwo");
        (await NextAsync()).ShouldBe("one");
        Append(" and more\n");
        (await NextAsync()).ShouldBe("two and more");
    }

    [Fact]
    public async Task A_file_that_is_rotated_is_followed_anew_and_one_that_appears_later_is_waited_for()
    {
        await FollowAsync();
        Append("first\n");
        (await NextAsync()).ShouldBe("first");
        System.IO.File.Move(File, File + ".1");
        Append("second\n");
        (await NextAsync()).ShouldBe("second");
        System.IO.File.Delete(File);
        Append("third\n");
        (await NextAsync()).ShouldBe("third");
    }

    [Fact]
    public async Task However_late_the_notice_of_a_rotation_comes_no_line_is_read_twice()
    {
        await FollowAsync();
        for (var round = 0; round < 50; round++)
        {
            Append($"before {round}\n");
            (await NextAsync()).ShouldBe($"before {round}");
            if (round % 2 == 0) System.IO.File.Delete(File);
            else System.IO.File.Move(File, $"{File}.{round}");
            Append($"after {round}\n");
            (await NextAsync()).ShouldBe($"after {round}");
        }
    }

    [Fact]
    public async Task A_file_that_is_emptied_in_place_is_read_from_its_beginning()
    {
        await System.IO.File.WriteAllTextAsync(File, "a long line that was there before\n");
        await FollowAsync();
        await using (var file = new FileStream(File, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite)) await file.WriteAsync("new\n"u8.ToArray());
        (await NextAsync()).ShouldBe("new");
    }

    [Fact]
    public async Task A_folder_that_does_not_exist_is_an_error() =>
        (await Should.ThrowAsync<DirectoryNotFoundException>(() => new LogFollower("/nowhere/kern.log").FollowAsync(_ => { }, CancellationToken.None))).Message
            .ShouldBe("The folder /nowhere does not exist.");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task FollowAsync()
    {
        var follower = new LogFollower(File);
        _following = follower.FollowAsync(line => _lines.Writer.TryWrite(Encoding.UTF8.GetString(line)), _end.Token);
        await follower.Ready.WaitAsync(Patience);
    }

    private void Append(string text) => System.IO.File.AppendAllText(File, text);

    private async Task<string> NextAsync() => await _lines.Reader.ReadAsync().AsTask().WaitAsync(Patience);
}
