using JasperFx;
using Marten;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>Creates Marten's tables and the log's own ones beside them.</summary>
internal static class LogSchema
{
    /// <summary>Changes with every change of the tables below, so that an up-to-date database is recognised with one query.</summary>
    private const int Revision = 1;

    public static async Task EnsureAsync(NpgsqlConnection connection, LogDatabase database, CancellationToken ct)
    {
        var current = $"{Revision}/{typeof(IDocumentStore).Assembly.GetName().Version}";
        if (await FingerprintAsync(connection, database.Schema, ct) == current)
            return;
        var key = database.LockKey("schema");
        await using (var take = new NpgsqlCommand("select pg_advisory_lock($1)", connection) { Parameters = { new() { Value = key } }, CommandTimeout = 60 })
            await take.ExecuteNonQueryAsync(ct);
        try
        {
            if (await FingerprintAsync(connection, database.Schema, ct) == current)
                return;
            await database.Documents.Storage.Database.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate, ct: ct);
            await using var create = new NpgsqlCommand(Tables(database.Schema), connection);
            await create.ExecuteNonQueryAsync(ct);
            await using var mark = new NpgsqlCommand($"insert into {database.Schema}.log_revision values (true, $1) on conflict (single) do update set revision = excluded.revision", connection)
            {
                Parameters = { new() { Value = current } },
            };
            await mark.ExecuteNonQueryAsync(ct);
        }
        finally
        {
            await using var release = new NpgsqlCommand("select pg_advisory_unlock($1)", connection) { Parameters = { new() { Value = key } } };
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private static async Task<string?> FingerprintAsync(NpgsqlConnection connection, string schema, CancellationToken ct)
    {
        await using var exists = new NpgsqlCommand("select to_regclass($1) is not null", connection) { Parameters = { new() { Value = $"{schema}.log_revision" } } };
        if (await exists.ExecuteScalarAsync(ct) is not true)
            return null;
        await using var read = new NpgsqlCommand($"select revision from {schema}.log_revision", connection);
        return await read.ExecuteScalarAsync(ct) as string;
    }

    private static string Tables(string schema) => $"""
        create table if not exists {schema}.log_revision (single boolean primary key default true check (single), revision text not null);
        create table if not exists {schema}.log_processed (
            consumer text not null, source text not null, id text not null, processed_at timestamptz not null default now(),
            primary key (consumer, source, id));
        create table if not exists {schema}.log_positions (
            consumer text not null, topic text not null, sequence bigint not null, primary key (consumer, topic));
        create table if not exists {schema}.log_publications (
            name text primary key, cluster text, sequence bigint not null default 0, epoch bigint not null default 0);
        create table if not exists {schema}.log_anchors (
            number bigint primary key, from_sequence bigint not null, to_sequence bigint not null, count integer not null, leaves text not null,
            root text not null, previous text not null, written_at timestamptz not null, hash text not null, outside boolean not null);
        """;
}
