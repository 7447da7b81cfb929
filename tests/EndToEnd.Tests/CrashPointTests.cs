using System.Diagnostics;
using System.Globalization;
using TrainMover.Contracts;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.EventLog;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>
/// Invariant 5: Detector, Planner and Executor are killed at every crash point of every phase and started again, under one job that goes on. The table of
/// what happened is part of the output. Takes minutes: ./trainmover test --explicit EndToEnd.
/// </summary>
public sealed class CrashPointTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private static readonly string[] Points = [CrashPoints.BeforeCommit, CrashPoints.AfterCommit, CrashPoints.BeforeOffsetCommit];

    // A decision is committed under the type of its first event; an offset is committed for the message that was consumed.
    private static readonly (string Service, Type Decided, Type Expected, Type Unexpected)[] Phases =
    [
        ("detector", typeof(InterruptionRaised), typeof(MaintenanceScheduled), typeof(WorkerExited)),
        ("planner", typeof(MigrationPlanned), typeof(InterruptionRaised), typeof(InterruptionRaised)),
        ("executor", typeof(PreparationStarted), typeof(MigrationPlanned), typeof(MigrationPlanned)),
        ("executor", typeof(SwitchOrdered), typeof(SwitchOrdered), typeof(SwitchOrdered)),
        ("executor", typeof(MigrationCompleted), typeof(MigrationCompleted), typeof(MigrationCompleted)),
    ];

    [Fact(Explicit = true)]
    public async Task A_service_killed_anywhere_and_started_again_brings_every_migration_to_its_end()
    {
        await using var cluster = await Cluster.StartAsync(postgres);
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 1_000_000);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(20);

        var rows = new List<string>();
        foreach (var kind in Enum.GetValues<InterruptionKind>())
        {
            foreach (var (service, decided, expected, unexpected) in Phases)
            {
                foreach (var point in Points)
                {
                    var type = point == CrashPoints.BeforeOffsetCommit ? kind == InterruptionKind.Expected ? expected : unexpected : decided;
                    var (stops, since) = (steps.Stops, Stopwatch.GetTimestamp());
                    var outcome = await CrashAsync(cluster, kind, service, Catalog.Of(type).Name, point);
                    var (median, longest) = steps.Lengths(since);
                    if (kind == InterruptionKind.Expected) steps.Stops.ShouldBe(stops, "an expected migration stops nobody by surprise");
                    rows.Add(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{kind,-11} {service,-9} {Catalog.Of(type).Name,-45} {point,-21} longest step {longest,5:0} ms (median {median:0} ms) {outcome}"));
                    output.WriteLine(rows[^1]);
                }
            }
        }

        rows.ShouldAllBe(row => row.EndsWith(" completed", StringComparison.Ordinal));
        var trained = steps.Losses();
        trained.Keys.ShouldBe(Enumerable.Range(0, trained.Count).Select(step => (long)step));
        (await cluster.Verifier.VerifyAsync()).First.ShouldBeNull();
    }

    private static async Task<string> CrashAsync(Cluster cluster, InterruptionKind kind, string service, string type, string point)
    {
        var world = await cluster.WorldAsync();
        var job = world.Job("gpt");
        var leaver = job.Topology!.Ranks[1].MachineId;
        var before = world.Migrations.Select(migration => migration.Plan!.MigrationId).ToHashSet(StringComparer.Ordinal);
        await File.WriteAllTextAsync(cluster.CrashFile, $"{service} {type} {point}");
        var victim = cluster.Deployment.Process(service);

        if (kind == InterruptionKind.Expected) await cluster.TellAsync(new MaintenanceScheduled(leaver, "crash campaign"));
        else cluster.Deployment.Worker(leaver)!.Kill();

        await cluster.WaitAsync(victim.Ended, $"{service} to be killed {point} {type}");
        await cluster.Deployment.StartProcessAsync(service);
        var closed = await cluster.WaitForAsync<JobMigrationClosed>($"the migration of {leaver} to end after {service} was killed {point} {type}", one => !before.Contains(one.MigrationId), TimeSpan.FromMinutes(1));
        return closed.Data.Outcome.ToString().ToLowerInvariant();
    }
}
