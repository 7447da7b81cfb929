using System.Data;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>
/// Checks the log against its hash chains and its anchors, in the database and in the file outside it, and names the first event that is not as it was
/// recorded. Reads one snapshot; writers are not disturbed.
/// </summary>
/// <param name="database">Database of the log; its options say where the file is.</param>
public sealed class IntegrityVerifier(LogDatabase database)
{
    /// <summary>Checks the whole log.</summary>
    /// <param name="ct">Cancels the check.</param>
    /// <exception cref="EventLogUnavailableException">The database does not answer.</exception>
    public async Task<IntegrityReport> VerifyAsync(CancellationToken ct = default)
    {
        var file = database.Options.Anchors?.File;
        // The writer goes database, file, mark: lines read first must have rows in the snapshot, marked rows must have lines read afterwards.
        var before = await LinesAsync(file, ct);
        return await database.RunAsync(
            async connection =>
            {
                await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
                var rows = await new AnchorStore(database).AllAsync(connection, ct);
                var trust = AnchorTrust.Of(rows, before, await LinesAsync(file, ct));
                return await ReportAsync(connection, trust, file is not null, ct);
            }, ct);
    }

    private async Task<IntegrityReport> ReportAsync(NpgsqlConnection connection, AnchorTrust trust, bool outside, CancellationToken ct)
    {
        var lookup = new EventLookup(connection, database.Schema);
        var walk = new EventWalk(lookup, trust);
        var finding = await walk.RunAsync(ct) ?? trust.Finding;
        var (count, oldest) = await lookup.BeyondAsync(trust.AnchoredTo, ct);
        var age = oldest is { } time ? database.Time.GetUtcNow() - time : TimeSpan.Zero;
        return new IntegrityReport(walk.EventsChecked, trust.Leaves.Count, new UnanchoredTail(count, age), outside, finding);
    }

    private static async Task<List<Anchor?>?> LinesAsync(string? file, CancellationToken ct) =>
        file is null ? null : File.Exists(file) ? await AnchorFile.ReadAsync(file, ct) : [];
}
