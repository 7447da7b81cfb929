using System.Security.Cryptography;
using System.Text;
using TrainMover.Collectives;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;

namespace TrainMover.Worker.Rehearsals;

/// <summary>
/// A tiny job of three ranks on five machines inside this process lives through warm-ups, an expected and an unexpected migration, by the very orders and
/// reports of real ones. Afterwards nothing that a real migration does is done for the first time: code is compiled, libraries are loaded.
/// </summary>
internal sealed class Rehearsal : IAsyncDisposable
{
    private const string JobId = "rehearsal";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly string Key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private readonly string _folder = Directory.CreateTempSubdirectory("trainmover-rehearsal-").FullName;
    private readonly List<RehearsedMachine> _machines = [];
    private readonly JobSpec _job;

    private Rehearsal()
    {
        var text = Path.Combine(_folder, "text");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 200).Select(number => $"line {number}; ")), Encoding.ASCII);
        _job = new JobSpec(
            JobId, new JobLayout(Dp: 3), Steps: 1_000_000, Seed: 1, BatchPerRank: 1, LearningRate: 1e-3f,
            new JobModel(Layers: 1, Width: 16, Heads: 2, Context: 8), text, Path.Combine(_folder, "job"));
    }

    /// <summary>Runs the rehearsal. One that fails is no fault of a real job: it is said, and the worker is merely cold.</summary>
    public static async Task RunAsync()
    {
        ProcessorTurn.MayGoFirst = false;
        try
        {
            await using var rehearsal = new Rehearsal();
            using var limit = new CancellationTokenSource(Limit);
            await rehearsal.PlayAsync(limit.Token);
        }
        catch (Exception failure) when (failure is not PlatformNotSupportedException)
        {
            await Console.Error.WriteLineAsync($"The rehearsal failed, the worker starts cold: {failure.Message}");
        }
        finally
        {
            ProcessorTurn.MayGoFirst = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in _machines) await machine.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task PlayAsync(CancellationToken ct)
    {
        for (var number = 0; number < 5; number++) _machines.Add(await RehearsedMachine.StartAsync($"rehearsal-{number}", _folder, ct));
        var (stayer, leaver, other, joiner, last) = (_machines[0], _machines[1], _machines[2], _machines[3], _machines[4]);

        var first = Topology(1, stayer, leaver, other);
        foreach (var machine in new[] { stayer, leaver, other })
            await machine.ExecuteAsync(id => new StartTraining(_job, first) { MachineId = id, JobId = JobId, Generation = 1, OrderId = "start" }, ct);
        await joiner.ExecuteAsync(id => new WarmUp(_job) { MachineId = id, JobId = JobId, Generation = 1, OrderId = "warm-up" }, ct);
        await joiner.SeesAsync<WarmedUp>(1, ct);

        var second = Topology(2, stayer, joiner, other);
        await MigrateAsync(Plan(InterruptionKind.Expected, first, second, leaver, joiner), [stayer, leaver, other, joiner], [stayer, other, joiner], ct);

        // The standby is armed, and survivors take the plan that they hold; the order that comes late is answered.
        await last.ExecuteAsync(id => new WarmUp(_job) { MachineId = id, JobId = JobId, Generation = 2, OrderId = "warm-up" }, ct);
        await last.SeesAsync<WarmedUp>(2, ct);
        var armed = new StandbyArmed(JobId, last.Id, "127.0.0.1", last.Port, From: 2, Generation: 3, second.Ranks.Count, "rehearsal");
        RehearsedMachine[] all = [stayer, joiner, other, last];
        foreach (var machine in all)
            await machine.ExecuteAsync(id => new Arm(armed, _job, second) { MachineId = id, JobId = JobId, Generation = armed.Generation, OrderId = "arm" }, ct);
        foreach (var machine in all) await machine.ArmedAsync(ct);
        joiner.Sever();
        await stayer.SeesAsync<Parked>(2, ct);
        var third = Topology(armed.GenerationWithout(1), stayer, last, other);
        await MigrateAsync(Plan(InterruptionKind.Unexpected, second, third, joiner, last), [stayer, other, last], [stayer, other, last], ct);
    }

    private async Task MigrateAsync(MigrationPlan plan, RehearsedMachine[] participants, RehearsedMachine[] members, CancellationToken ct)
    {
        var generation = plan.To.Generation;
        foreach (var machine in participants)
            await machine.ExecuteAsync(id => new Prepare(plan, _job) { MachineId = id, JobId = JobId, Generation = generation, OrderId = Prepare.IdOf(plan.MigrationId) }, ct);
        foreach (var machine in participants) await machine.SeesAsync<Prepared>(generation, ct);

        var leaverLost = plan.Kind == InterruptionKind.Unexpected;
        foreach (var machine in participants)
        {
            await machine.ExecuteAsync(
                id => new Switch(plan.MigrationId, leaverLost) { MachineId = id, JobId = JobId, Generation = generation, OrderId = $"{plan.MigrationId}:switch" }, ct);
        }

        foreach (var machine in members) await machine.SeesAsync<Switched>(generation, ct);
    }

    private MigrationPlan Plan(InterruptionKind kind, JobTopology from, JobTopology to, RehearsedMachine leaver, RehearsedMachine joiner) => new(
        MigrationPlan.IdOf(JobId, to.Generation), JobId, kind, from, to, [new MachineMove(leaver.Id, joiner.Id, [1])],
        kind == InterruptionKind.Expected ? StateSource.Leaver : StateSource.DataParallelPeer,
        _job.Layout, "A rehearsal.", [], [], "rehearsal", DateTimeOffset.UnixEpoch);

    private static JobTopology Topology(int generation, params RehearsedMachine[] machines) =>
        new(generation, [.. machines.Select((machine, rank) => new RankPlace(rank, machine.Id, "127.0.0.1", machine.Port))], Key);
}
