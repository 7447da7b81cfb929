using Testcontainers.PostgreSql;
using TrainMover.Embedded;
using Xunit;

namespace TrainMover.Fixtures;

/// <summary>One database server for all tests of an assembly: TRAINMOVER_POSTGRES, else a container, else a private cluster.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgreSqlContainer? _container;
    private EmbeddedPostgres? _embedded;

    public string ConnectionString { get; private set; } = "";

    /// <summary>A schema name that no other test class and no other run uses.</summary>
    public static string NewSchema() => $"test_{Guid.NewGuid():N}"[..21];

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("TRAINMOVER_POSTGRES") is { Length: > 0 } given)
        {
            ConnectionString = given;
            Say("TRAINMOVER_POSTGRES");
        }
        else if (await DockerEngine.AnswersAsync())
        {
            _container = new PostgreSqlBuilder("postgres:17.6").Build();
            await _container.StartAsync();
            ConnectionString = _container.GetConnectionString();
            Say("container");
        }
        else
        {
            var directory = Path.Combine(Path.GetTempPath(), $"trainmover-tests-{Guid.NewGuid():N}"[..29]);
            _embedded = await EmbeddedPostgres.StartAsync(directory, options: new() { Durable = false });
            ConnectionString = _embedded.ConnectionString;
            Say("embedded");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_container is not null)
            await _container.DisposeAsync();
        if (_embedded is null)
            return;
        await _embedded.DisposeAsync();
        Directory.Delete(_embedded.Directory, recursive: true);
    }

    private static void Say(string origin) => Console.Error.WriteLine($"PostgreSQL: {origin}");
}
