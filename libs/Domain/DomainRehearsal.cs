using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Migrations;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain;

/// <summary>
/// A small job starts, loses a machine and goes on with its standby, in a world that ends with the call: afterwards nothing that a decision needs is
/// compiled for the first time (ADR 4).
/// </summary>
public sealed class DomainRehearsal
{
    private const string JobId = "rehearsal";
    private const int Pid = 1;
    private const int Port = 1;
    private static readonly byte[] Key = new byte[32];
    private static readonly ShadowOutcome Good = new(Good: true, Reason: null, 1, 0, 0);

    private readonly World _world = new();
    private readonly Planner _planner = new(new PlanningOptions());
    private int _orders;

    private DomainRehearsal()
    {
    }

    /// <summary>Plays the story.</summary>
    /// <returns>The migration at its end, and how many orders it and the job called for.</returns>
    public static (Migration Migration, int Orders) Play()
    {
        var rehearsal = new DomainRehearsal();
        rehearsal.Start();
        rehearsal.Replace("m1", "s0");
        return (rehearsal._world.Migrations.Single(), rehearsal._orders);
    }

    private void Start()
    {
        for (var machine = 0; machine < 3; machine++) Announce($"m{machine}", MachineRole.Training);
        Announce("s0", MachineRole.Standby);
        Announce("s1", MachineRole.Standby);
        var spec = new JobSpec(JobId, new JobLayout(Dp: 3), Steps: 100, Seed: 1, BatchPerRank: 1, LearningRate: 1e-3f, new JobModel(), "text", "folder");
        Take(new Decision(_world).OnJob(JobId, job => job.Submit(spec)));
        Take(_planner.OnChange(_world, DateTimeOffset.UnixEpoch, Key));
        foreach (var standby in new[] { "s0", "s1" })
            Take(_planner.OnWarmedUp(_world, new WarmedUp(Good) { MachineId = standby, Generation = 1, JobId = JobId }, DateTimeOffset.UnixEpoch, Key));
    }

    private void Replace(string leaver, string joiner)
    {
        var lost = new InterruptionRaised("lost", InterruptionKind.Unexpected, InterruptionCause.WorkerDeath, Severity.Replace, [leaver], "A rehearsal.", "", [], FaultMonotonicNs: 1);
        Take(new Decision(_world).Found(DetectorNames.WorkerDeath, lost));
        Take(_planner.OnChange(_world, DateTimeOffset.UnixEpoch, Key));
        Execute();
        var (migration, generation) = (_world.Migrations.Single().Plan!.MigrationId, _world.Migrations.Single().Plan!.To.Generation);
        var gone = new WorkerLost(Pid, Port, "A rehearsal.") { MachineId = leaver, Generation = 1, JobId = JobId };
        Take(_planner.OnWorkerLost(_world, gone, DateTimeOffset.UnixEpoch, Key));
        Report(gone);
        string[] members = ["m0", "m2", joiner];
        foreach (var id in members)
        {
            Report(new Parked(5, "peer-lost", leaver, "A rehearsal.", 1) { MachineId = id, Generation = 1, JobId = JobId });
            Report(new Prepared("digest", 1, 0, id == joiner ? Good : null) { MachineId = id, Generation = generation, JobId = JobId, MigrationId = migration });
        }

        foreach (var id in members) Report(new Agreed(5) { MachineId = id, Generation = generation, JobId = JobId, MigrationId = migration });
        foreach (var id in members)
        {
            var none = new ConnectionDelta(Kept: 0, Inherited: 0, Removed: 0, Added: 0);
            var report = new SwitchReport(id, [Array.IndexOf(members, id)], 1, 2, 5, 0, none, none, 0, 0, [new("state-transfer", 1, 2)]);
            Report(new Switched(report) { MachineId = id, Generation = generation, JobId = JobId, MigrationId = migration });
        }

        Take(_planner.OnChange(_world, DateTimeOffset.UnixEpoch, Key));
    }

    private void Announce(string machine, MachineRole role) => Take(_planner.OnAnnounced(
        _world,
        new Announced(role, new WorkerStatus(WorkerPhase.Idle, Pid, "127.0.0.1", Port)) { MachineId = machine, Generation = 0 },
        DateTimeOffset.UnixEpoch,
        Key));

    private void Report(MachineReport report)
    {
        Take(Executor.OnReport(_world, report));
        Execute();
    }

    private void Execute()
    {
        Take(Executor.OnChange(_world, DateTimeOffset.UnixEpoch));
        _ = Executor.NextDeadline(_world);
    }

    private void Take(Decision decision)
    {
        foreach (var stream in decision.Streams)
        {
            var version = stream.ExpectedVersion;
            foreach (var @event in stream.Events)
            {
                _world.Apply(stream.Stream, ++version, @event);
                _orders += Orders.For(@event, _world).Count;
            }
        }
    }
}
