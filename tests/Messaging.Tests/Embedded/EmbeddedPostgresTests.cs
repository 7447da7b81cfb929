using Npgsql;
using TrainMover.Embedded;

namespace TrainMover.Messaging.Tests;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class EmbeddedPostgresTests : IDisposable
{
    private static readonly EmbeddedPostgresOptions Fast = new() { Durable = false };
    private readonly string _directory = Directory.CreateTempSubdirectory("trainmover-test-").FullName;
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_cluster_keeps_its_data_over_a_stop_and_over_a_kill()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
        await using (var first = await EmbeddedPostgres.StartAsync(_directory, options: Fast, cancellationToken: Cancellation))
        {
            await ExecuteAsync(first, "create table t (v int); insert into t values (1)");
            first.Notice.ShouldBeNull();
        }
        EmbeddedPostgres.Attach(_directory).ShouldBeNull();

        var second = await EmbeddedPostgres.StartAsync(_directory, options: Fast, cancellationToken: Cancellation);
        await ExecuteAsync(second, "insert into t values (2)");
        EmbeddedPostgres.Attach(_directory).ShouldNotBeNull().Port.ShouldBe(second.Port);
        await second.KillAsync(Cancellation);

        await using var third = await EmbeddedPostgres.StartAsync(_directory, options: Fast, cancellationToken: Cancellation);
        (await ExecuteAsync(third, "select sum(v)::int from t")).ShouldBe(3);
    }

    [Fact]
    public async Task A_folder_that_the_server_account_cannot_reach_is_replaced_and_the_notice_says_so()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root runs the server under another account.");
        var closed = Directory.CreateDirectory(Path.Combine(_directory, "closed"), (UnixFileMode)0b111_000_000);
        var wanted = Path.Combine(closed.FullName, "cluster");

        await using (var postgres = await EmbeddedPostgres.StartAsync(wanted, options: Fast, cancellationToken: Cancellation))
        {
            (await ExecuteAsync(postgres, "select 7")).ShouldBe(7);
            postgres.Notice.ShouldNotBeNull().ShouldContain(postgres.Directory);
            postgres.Directory.ShouldNotBe(wanted);
            EmbeddedPostgres.Attach(wanted).ShouldNotBeNull().Pid.ShouldBe(postgres.Pid);
            wanted = postgres.Directory;
        }
        Directory.Delete(wanted, recursive: true);
    }

    private static async Task<object?> ExecuteAsync(EmbeddedPostgres postgres, string sql)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
