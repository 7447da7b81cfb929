namespace TrainMover.Embedded;

/// <summary>How long the private PostgreSQL cluster lives.</summary>
public enum PostgresLifetime
{
    /// <summary>It ends with this process, even when this process is killed (parent-death signal, Linux); disposing stops it.</summary>
    Owned,

    /// <summary>It runs in a session of its own and outlives this process; only <see cref="EmbeddedPostgres.StopAsync(string, CancellationToken)"/> ends it.</summary>
    Detached,
}

/// <summary>Settings of a private PostgreSQL cluster.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>Whether a commit is on disk before it is acknowledged (fsync). Default true; without it a commit survives the death of the server, but not that of the machine.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Whether the cluster ends with this process. Default <see cref="PostgresLifetime.Owned"/>.</summary>
    public PostgresLifetime Lifetime { get; init; } = PostgresLifetime.Owned;

    /// <summary>Connections the server accepts. Default 200.</summary>
    public int MaxConnections { get; init; } = 200;

    /// <summary>Time within which the cluster must be created, and again be started or stopped. Default 60 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
