using Microsoft.Extensions.Logging.Abstractions;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class AnchorTests(PostgresFixture postgres) : LogTest(postgres)
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"anchors-{Guid.NewGuid():N}.jsonl");
    private LogDatabase _anchored = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _anchored = Open(options => options.Anchor(_file));
        for (var number = 1; number <= 3; number++)
        {
            await AppendAsync($"job-{number}", 0, LedgerEvents.Open(), new Noted("n", number));
            await AnchorAsync();
        }

        (await VerifyAsync()).First.ShouldBeNull();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_file);
    }

    private Task<bool> AnchorAsync() => new AnchorWriter(_anchored, NullLogger<AnchorWriter>.Instance).AnchorAsync(Ct);

    private Task<IntegrityReport> VerifyAsync() => new IntegrityVerifier(_anchored).VerifyAsync(Ct);

    private async Task ExpectAsync(string explanation)
    {
        var finding = (await VerifyAsync()).First.ShouldNotBeNull();
        (finding.Kind, finding.Explanation).ShouldBe((FindingKind.AnchorMismatch, explanation));
    }

    private async Task EditFileAsync(Func<List<string>, IEnumerable<string>> edit)
    {
        var lines = await File.ReadAllLinesAsync(_file, Ct);
        await File.WriteAllTextAsync(_file, string.Concat(edit([.. lines]).Select(line => line + "\n")), Ct);
    }

    [Theory]
    [InlineData("update log_anchors set root = repeat('0', 64) where number = 2", "Anchor 2 was edited in the database: its content does not give its hash.")]
    [InlineData("update log_anchors set leaves = replace(leaves, 'job-2', 'job-9') where number = 2", "Anchor 2 was edited in the database: its content does not give its hash.")]
    [InlineData("update log_anchors set leaves = 'null' where number = 2", "Anchor 2 was edited in the database: its content does not give its hash.")]
    [InlineData("delete from log_anchors where number = 2", "Anchor 2 is in the file outside but was removed from the database.")]
    [InlineData("delete from log_anchors where number = 3", "Anchor 3 is in the file outside but was removed from the database.")]
    [InlineData("delete from log_anchors", "Anchor 1 is in the file outside but was removed from the database.")]
    public async Task An_edited_or_removed_anchor_of_the_database_is_found(string edit, string explanation)
    {
        await TamperAsync(edit);
        await ExpectAsync(explanation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_removed_line_of_the_file_is_found(int line)
    {
        await EditFileAsync(lines => lines.Where((_, index) => index != line));
        await ExpectAsync($"Anchor {line + 1} is in the database but was removed from the file outside.");
    }

    [Fact]
    public async Task An_edited_line_of_the_file_is_found()
    {
        await EditFileAsync(lines => lines.Select(line => line.Replace("job-2", "job-9", StringComparison.Ordinal)));
        await ExpectAsync("Anchor 2 was edited in the file outside: its content does not give its hash.");
    }

    [Fact]
    public async Task A_line_that_does_not_read_is_found()
    {
        await EditFileAsync(lines => [lines[0], "{}", lines[2]]);
        await ExpectAsync("Line 2 of the anchor file does not read as an anchor.");
    }

    [Fact]
    public async Task A_file_that_is_gone_is_found()
    {
        File.Delete(_file);
        await ExpectAsync("Anchor 1 is in the database but was removed from the file outside.");
    }

    [Fact]
    public async Task A_writer_that_died_between_database_and_file_is_completed_by_the_next()
    {
        var lines = await File.ReadAllLinesAsync(_file, Ct);
        await File.WriteAllTextAsync(_file, $"{lines[0]}\n{lines[1]}\n{lines[2][..40]}", Ct);
        await TamperAsync("update log_anchors set outside = false where number = 3");
        (await VerifyAsync()).First.ShouldBeNull();

        (await AnchorAsync()).ShouldBeTrue();

        (await File.ReadAllLinesAsync(_file, Ct)).ShouldBe(lines);
        (await VerifyAsync()).First.ShouldBeNull();
    }

    [Fact]
    public async Task A_writer_that_died_between_file_and_mark_does_not_write_the_line_again()
    {
        await TamperAsync("update log_anchors set outside = false where number = 3");
        (await AnchorAsync()).ShouldBeTrue();
        (await File.ReadAllLinesAsync(_file, Ct)).Length.ShouldBe(3);
    }

    [Fact]
    public async Task Only_one_process_writes_anchors()
    {
        await using var other = new Npgsql.NpgsqlConnection(ConnectionString);
        await other.OpenAsync(Ct);
        await using var take = new Npgsql.NpgsqlCommand($"select pg_advisory_lock({Database.LockKey("leader/anchors")})", other);
        await take.ExecuteNonQueryAsync(Ct);

        (await AnchorAsync()).ShouldBeFalse();
    }
}
