using System.Collections.Concurrent;
using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>
/// A job in one layout ("dp2 pp2", "dp4 zero", "dp3 mb2 overlap"), its machines m0.. and standbys behind them. What any machine reports of any step, and the final state of every rank, must be that of a run
/// without sessions and failures.
/// </summary>
internal sealed class FailingJob : IAsyncDisposable
{
    public const int Steps = 12;

    private static readonly ModelShape Shape = new(Layers: 2, Width: 16, Heads: 2, Context: 8, Dropout: 0.1f);
    private static readonly ConcurrentDictionary<SessionJob, Task<ReferenceResult>> References = new();

    private readonly SessionJob _job;

    private FailingJob(SessionJob job, int standbys, CollectivesOptions? deadlines)
    {
        _job = job;
        Machines = [.. Enumerable.Range(0, job.Layout.Size / job.Devices).Select(machine => $"m{machine}")];
        Cluster = Cluster.Create(Machines.Count + standbys, Steps, Probes.Watch, job, deadlines);
        First = Cluster.Topology(1, [.. Machines]);
    }

    public Cluster Cluster { get; }

    public Probes Probes { get; } = new();

    /// <summary>Machines of the first generation.</summary>
    public IReadOnlyList<string> Machines { get; }

    public Topology First { get; }

    public static FailingJob Create(string layout, int standbys, int checkpointEvery = 0, bool following = false, bool hotStandby = true, bool stepRule = true, CollectivesOptions? deadlines = null)
    {
        var words = layout.Split(' ');
        int Degree(string name) => words.Where(word => word.StartsWith(name, StringComparison.Ordinal)).Select(word => int.Parse(word[2..])).FirstOrDefault(1);
        var recipe = new TrainingRecipe(Seed: 42, Steps, BatchPerRank: 2)
        {
            BucketBytes = words.Contains("overlap") ? 0 : int.MaxValue,
            MicroBatches = Degree("pp") > 1 ? 2 : Degree("mb"),
            ShardOptimizer = words.Contains("zero"),
            OverlapReduction = words.Contains("overlap"),
        };
        var job = new SessionJob("job", Shape with { Layers = Math.Max(Shape.Layers, Degree("pp")) }, recipe, "", "")
        {
            Layout = new ParallelLayout(Degree("dp"), Degree("pp"), Degree("tp")),
            Devices = Degree("tp"),
            CheckpointEvery = checkpointEvery,
            Techniques = new MigrationTechniques(Following: following, HotStandby: hotStandby, StepRule: stepRule),
        };
        return new FailingJob(job, standbys, deadlines);
    }

    /// <summary>The machines of a topology with some of them replaced.</summary>
    public Topology After(Topology from, int generation, params (string Leaver, string Joiner)[] moves) =>
        Cluster.Topology(generation, [.. from.Machines.Select(machine => moves.FirstOrDefault(move => move.Leaver == machine).Joiner ?? machine)]);

    /// <summary>Where a machine knows first that a step has passed its commit.</summary>
    public StepPoint Committed => First.Layout.Dp == First.Size ? StepPoint.AfterCommit : StepPoint.AfterJobCommit;

    /// <summary>Holds m0 at the end of the step before one, and by that every other rank before it votes in that one.</summary>
    public Gate HoldBefore(long step)
    {
        var gate = new Gate();
        Probes.At("m0", step - 1, Committed, _ => gate.Pass());
        return gate;
    }

    /// <summary>Starts the job, warms the first standby up, which needs the record of the first step, and arms it while the gate holds the job.</summary>
    public async Task<Gate> StartArmedAsync(Topology from, long heldStep, int generation)
    {
        var gate = await StartWarmAsync(from, heldStep);
        Cluster.Arm(from, Standby(0), generation);
        await Cluster.AllAsync<StandbyArmed>([.. Machines, Standby(0)]);
        return gate;
    }

    /// <summary>As <see cref="StartArmedAsync"/>, without arming it.</summary>
    public async Task<Gate> StartWarmAsync(Topology from, long heldStep)
    {
        var gate = HoldBefore(heldStep);
        Cluster.Start(from);
        var standby = Standby(0);
        Cluster[standby].Session.Submit(new WarmUpRequest("warm-up", Cluster.Job with { Layout = from.Layout }, 1));
        (await Cluster.OneAsync<WarmUpDone>(standby)).Shadow.Reason.ShouldBeNull();
        await gate.ReachedAsync();
        return gate;
    }

    /// <summary>The members after the loss of one, as the plan has them that all held since the first standby was armed.</summary>
    public Topology Without(Topology from, int arming, string lost) => After(from, Cluster.GenerationWithout(from, arming, lost), (lost, Standby(0)));

    /// <summary>A machine behind those of the first generation.</summary>
    public string Standby(int index) => $"m{Machines.Count + index}";

    public string[] Stayers(params string[] leavers) => [.. Machines.Except(leavers)];

    /// <summary>Prepares without the leavers and, when everybody is ready, switches. What the members of the new generation did.</summary>
    public async Task<SwitchDone[]> ReplaceLostAsync(Topology from, Topology to)
    {
        string[] members = [.. to.Machines];
        Cluster.Prepare(from, to, expected: false, members);
        await ReadyAsync(to, members);
        Cluster.Switch(to, leaverLost: true, members);
        return await SwitchedAsync(to);
    }

    /// <summary>An expected migration to a standby up to the vote: all machines and the standby prepare, are ordered to switch, and then the gate opens.</summary>
    public async Task LetVoteAsync(Topology to, string standby, Gate gate)
    {
        string[] participants = [.. Machines, standby];
        Cluster.Prepare(First, to, participants);
        await ReadyAsync(to, participants);
        Cluster.Switch(to, leaverLost: false, participants);
        gate.Open();
    }

    public async Task ReadyAsync(Topology to, params string[] participants)
    {
        var ready = await Task.WhenAll(participants.Select(machine => Cluster.OneAsync<PreparationDone>(machine, done => done.Generation == to.Generation)));
        ready.Select(done => done.PlanDigest).Distinct().ShouldHaveSingleItem();
    }

    public async Task<SwitchDone[]> SwitchedAsync(Topology to)
    {
        var switched = await Task.WhenAll(to.Machines.Select(machine => Cluster.OneAsync<SwitchDone>(machine, done => done.Generation == to.Generation)));
        return switched;
    }

    /// <summary>Waits until each of some machines stands still because of a failure.</summary>
    public async Task<TrainingParked[]> ParkedAsync(int generation, params string[] machines) =>
        await Task.WhenAll(machines.Select(machine => Cluster.OneAsync<TrainingParked>(machine, parked => parked.Generation == generation)));

    /// <summary>Waits until a machine has told how the switch to a generation failed there. Whether it was agreed.</summary>
    public async Task<bool> WasAgreedAsync(string machine, Topology to)
    {
        var migration = $"g{to.Generation}";
        return await Cluster.OneAsync<SessionEvent>(machine, happened => happened.Migration == migration && happened is SwitchAgreed or PreparationLost or TrainingParked { Migration: not null }) is SwitchAgreed;
    }

    /// <summary>Has a machine drop what it prepared once it knows that it is lost: before, its vote stands.</summary>
    public async Task AbandonAsync(string machine, Topology to)
    {
        await Cluster.OneAsync<SessionEvent>(machine, happened => happened is PreparationLost
            || (happened is TrainingParked parked && parked.Detail.StartsWith("What was prepared is lost", StringComparison.Ordinal)));
        await DropAsync(machine, to);
    }

    /// <summary>Has a machine drop what it prepares.</summary>
    public async Task DropAsync(string machine, Topology to)
    {
        Cluster[machine].Session.Submit(new AbortRequest($"g{to.Generation}:abort", $"g{to.Generation}", "job", to.Generation, "A stayer is lost."));
        await Cluster.OneAsync<MigrationDropped>(machine, dropped => dropped.Generation == to.Generation);
    }

    /// <summary>Returns when each of some machines has applied a step on all of its ranks.</summary>
    public void Completed(long step, params string[] machines)
    {
        foreach (var (machine, rank) in machines.SelectMany(machine => First.RanksOf(machine).Select(rank => (machine, rank))))
            Cluster.OneAsync<StepDone>(machine, done => done.Step == step && done.Rank == rank).GetAwaiter().GetResult();
    }

    /// <summary>Waits for the end of the job on the machines of a topology, and compares everything that was computed anywhere.</summary>
    public async Task ShouldEndLikeAnUndisturbedRunAsync(Topology last)
    {
        var finished = await Task.WhenAll(last.Machines.Select(machine => Cluster.OneAsync<TrainingFinished>(machine, end => end.Generation == last.Generation)));
        var reference = await References.GetOrAdd(_job, job =>
            ReferenceRun.RunAsync(new ByteGpt(job.Shape), job.Recipe, Corpus.Load(Cluster.Job.CorpusFile), job.Layout));
        finished.SelectMany(machine => machine.Digests).OrderBy(digest => digest.Rank).Select(digest => digest.Digest).ShouldBe(reference.Digests);
        var steps = Cluster.Nodes.SelectMany(node => node.Events.OfType<StepDone>()).ToList();
        steps.ShouldAllBe(done => BitConverter.SingleToUInt32Bits(done.Loss) == reference.LossBits[(int)done.Step]);
        foreach (var member in last.Members.Where(member => First.Members.Contains(member)))
            steps.Where(done => done.Rank == member.Rank).Select(done => done.Step).Distinct().Count().ShouldBe(Steps);
    }

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
