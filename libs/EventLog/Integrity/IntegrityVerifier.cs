namespace TrainMover.EventLog;

/// <summary>Checks the log against its hashes and anchors.</summary>
/// <param name="database">Database of the log.</param>
public sealed class IntegrityVerifier(LogDatabase database)
{
    /// <summary>Checks the log.</summary>
    public Task<IntegrityReport> VerifyAsync(CancellationToken ct = default) => Task.FromException<IntegrityReport>(new NotSupportedException(database.Schema));
}
