using System.Text;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>A small job, and orders that concern it.</summary>
internal sealed class TinyJob : IDisposable
{
    public const string Id = "tiny";

    private static readonly string Key = Convert.ToBase64String(Encoding.ASCII.GetBytes("a key of thirty-two bytes, no less"), 0, 32);

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("trainmover-job-").FullName;

    public TinyJob(int ranks = 1, int steps = 1_000_000)
    {
        var text = Path.Combine(_folder, "corpus.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 400).Select(i => $"line {i} squared is {i * i}; ")), Encoding.ASCII);
        Spec = new JobSpec(
            Id, new JobLayout(ranks), steps, Seed: 7, BatchPerRank: 2, LearningRate: 1e-3f, new JobModel(Layers: 2, Width: 64, Heads: 2, Context: 64), text, Path.Combine(_folder, "job"));
    }

    public JobSpec Spec { get; }

    /// <summary>Initial checkpoint, as every worker names it.</summary>
    public string Checkpoint => Path.Combine(Spec.Directory, "checkpoints", "00000000", "rank-0.safetensors");

    /// <summary>Folder of the record of the first step, as every worker names it.</summary>
    public string Record => Path.Combine(Spec.Directory, "first-step", "rank-0");

    public static JobTopology Topology(int generation, params (string Machine, int Port)[] places) =>
        new(generation, [.. places.Select((place, rank) => new RankPlace(rank, place.Machine, "127.0.0.1", place.Port))], Key);

    public StartTraining Start(string machine, JobTopology topology) => new(Spec, topology)
    {
        MachineId = machine,
        JobId = Id,
        Generation = topology.Generation,
        OrderId = $"start-{topology.Generation}",
    };

    public WarmUp WarmUp(string machine, int generation) => new(Spec) { MachineId = machine, JobId = Id, Generation = generation, OrderId = $"warm-up-{generation}" };

    public Prepare Prepare(string machine, JobTopology from, JobTopology to)
    {
        var moves = from.Ranks.Zip(to.Ranks).Where(pair => pair.First.MachineId != pair.Second.MachineId)
            .Select(pair => new MachineMove(pair.First.MachineId, pair.Second.MachineId, [pair.First.Rank]));
        var plan = new MigrationPlan(
            $"{Id}-g{to.Generation}", Id, InterruptionKind.Expected, from, to, [.. moves], StateSource.Leaver, Spec.Layout, "A test.", [], [], "test", DateTimeOffset.UnixEpoch);
        return new Prepare(plan, Spec) { MachineId = machine, JobId = Id, Generation = to.Generation, OrderId = $"prepare-{to.Generation}" };
    }

    public static Switch Switch(string machine, int generation) =>
        new($"{Id}-g{generation}", LeaverLost: false) { MachineId = machine, JobId = Id, Generation = generation, OrderId = $"switch-{generation}" };

    public static Abort Abort(string machine, int generation) =>
        new($"{Id}-g{generation}", "A test.") { MachineId = machine, JobId = Id, Generation = generation, OrderId = $"abort-{generation}" };

    public static Release Release(string machine, int generation, string job = Id) =>
        new($"{job}-g{generation}") { MachineId = machine, JobId = job, Generation = generation, OrderId = $"release-{generation}" };

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);
}
