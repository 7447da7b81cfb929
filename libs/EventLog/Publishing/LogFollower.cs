using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>
/// Keeps one process the leader of a name (advisory lock), wakes it on every append (NOTIFY) and brings it back after an outage of the database.
/// </summary>
internal sealed class LogFollower(LogDatabase database, string name, ILogger logger)
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StalledPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Longest sleep without a notification: a lost one costs no more than this.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(10);

    /// <summary>Whether this process leads now.</summary>
    public bool IsLeader { get; private set; }

    /// <summary>What a pass over the log ended with.</summary>
    public enum Pass
    {
        /// <summary>There may be more: go on at once.</summary>
        Again,

        /// <summary>An append is under way in front of more events.</summary>
        Stalled,

        /// <summary>Everything is seen: wait for an append.</summary>
        Idle,
    }

    /// <summary>Leads until cancelled. Exceptions of a pass are logged once per change of state and the pass is repeated.</summary>
    public async Task RunAsync(Func<NpgsqlConnection, CancellationToken, Task<Pass>> pass, CancellationToken ct)
    {
        var backOff = FirstBackOff;
        var failing = false;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await database.RunDedicatedAsync(
                    async connection =>
                    {
                        try
                        {
                            await LeadAsync(connection, ct);
                            while (true)
                            {
                                var outcome = await pass(connection, ct);
                                if (failing)
                                    logger.LogInformation("{Name}: goes on", name);
                                (failing, backOff) = (false, FirstBackOff);
                                await RestAsync(connection, outcome, ct);
                            }
                        }
                        finally
                        {
                            await StepDownAsync(connection);
                        }
                    }, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                if (!failing)
                    logger.LogWarning(failure, "{Name}: interrupted, tries again until it succeeds", name);
                failing = true;
            }
            finally
            {
                IsLeader = false;
            }

            await Task.Delay(backOff, database.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            backOff = backOff * 2 < LongestBackOff ? backOff * 2 : LongestBackOff;
        }
    }

    private async Task LeadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var key = database.LockKey($"leader/{name}");
        await using var listen = new NpgsqlCommand($"listen {database.Channel}", connection);
        await listen.ExecuteNonQueryAsync(ct);
        while (true)
        {
            try
            {
                await using var take = new NpgsqlCommand("set lock_timeout = '5s'; select pg_advisory_lock(@key); reset lock_timeout", connection);
                take.Parameters.AddWithValue("key", key);
                await take.ExecuteNonQueryAsync(ct);
                IsLeader = true;
                return;
            }
            catch (PostgresException busy) when (busy.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                ct.ThrowIfCancellationRequested();
            }
        }
    }

    // Closing would free the lock too, but only when the server gets to it: the next leader need not wait for that.
    private static async Task StepDownAsync(NpgsqlConnection connection)
    {
        if (connection.FullState != ConnectionState.Open)
            return;
        try
        {
            await using var release = new NpgsqlCommand("select pg_advisory_unlock_all()", connection);
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The connection is gone, and the lock with it.
        }
    }

    private async Task RestAsync(NpgsqlConnection connection, Pass outcome, CancellationToken ct)
    {
        if (outcome == Pass.Stalled)
            await Task.Delay(StalledPause, database.Time, ct);
        else if (outcome == Pass.Idle)
            await connection.WaitAsync(LongestSleep, ct);
    }
}
