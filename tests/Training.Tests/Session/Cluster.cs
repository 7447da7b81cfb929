using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>Sessions of several machines in this process, with a small model, and the events of each.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    public static readonly ModelShape Shape = new(Layers: 1, Width: 16, Heads: 2, Context: 8, Dropout: 0.1f);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal);

    private Cluster(string directory, int steps, SessionJob? like)
    {
        Folder = directory;
        var text = Path.Combine(directory, "corpus.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 400).Select(i => $"line {i} squared is {i * i}; ")), Encoding.ASCII);
        Job = (like ?? DataParallel(1)) with { CorpusFile = text, Directory = directory };
        Job = Job with { Recipe = Job.Recipe with { Steps = steps } };
    }

    public string Folder { get; }

    public SessionJob Job { get; }

    public Node this[string machine] => _nodes[machine];

    /// <summary>A job that is copied in the pause: a step that a test holds cannot be followed.</summary>
    public static SessionJob DataParallel(int ranks) =>
        new("job", Shape, new TrainingRecipe(Seed: 42, Steps: 1, BatchPerRank: 2) { BucketBytes = int.MaxValue }, "", "")
        {
            Layout = new ParallelLayout(ranks),
            Techniques = new MigrationTechniques(Following: false),
        };

    public static Cluster Create(
        int machines, int steps, Func<string, IRankGroups, IRankGroups>? instrument = null, SessionJob? job = null, CollectivesOptions? deadlines = null,
        Func<string, double>? slowness = null)
    {
        var cluster = new Cluster(Directory.CreateTempSubdirectory("session-").FullName, steps, job);
        for (var i = 0; i < machines; i++)
            cluster._nodes.Add($"m{i}", new Node($"m{i}", instrument, deadlines, slowness));
        return cluster;
    }

    public IEnumerable<Node> Nodes => _nodes.Values;

    /// <summary>At which port the others reach a machine; its own unless something lies between.</summary>
    public Func<string, int>? Route { get; set; }

    /// <summary>The machines in the order of their ranks. A job without a layout becomes data-parallel.</summary>
    public Topology Topology(int generation, params string[] machines)
    {
        var layout = LayoutFor(machines.Length);
        var devices = layout.Size / machines.Length;
        var members = Enumerable.Range(0, layout.Size).Select(rank => new Member(rank, machines[rank / devices], "127.0.0.1", PortOf(machines[rank / devices])));
        return new Topology("job", generation, layout, [.. members], Key);
    }

    private int PortOf(string machine) => Route?.Invoke(machine) ?? _nodes[machine].Endpoint.Port;

    private ParallelLayout LayoutFor(int machines) => Job.Layout.Size == 1 ? new ParallelLayout(machines) : Job.Layout;

    private SessionJob JobOn(Topology topology) => Job with { Layout = topology.Layout };

    public void Start(Topology topology)
    {
        foreach (var machine in topology.Machines)
            this[machine].Session.Submit(new StartRequest("start", JobOn(topology), topology));
    }

    /// <summary>Orders phase 1 from every machine named.</summary>
    public void Prepare(Topology from, Topology to, params string[] participants) => Prepare(from, to, expected: true, participants);

    public void Prepare(Topology from, Topology to, bool expected, params string[] participants)
    {
        var moves = from.Members.Zip(to.Members).Where(pair => pair.First.Machine != pair.Second.Machine)
            .Select(pair => new MachineMove(pair.First.Machine, pair.Second.Machine)).Distinct().ToArray();
        foreach (var machine in participants)
            this[machine].Session.Submit(new PrepareRequest($"g{to.Generation}:prepare", $"g{to.Generation}", JobOn(to), from, to, moves, expected));
    }

    /// <summary>The generation to which the plan for the loss of a machine leads, where the standby was armed under <paramref name="arming"/>.</summary>
    public static int GenerationWithout(Topology from, int arming, string lost) => arming + 1 + from.RanksOf(lost)[0];

    /// <summary>Orders the members of a generation and a standby to hold the plans for the loss of each member, which lead to <see cref="GenerationWithout"/>.</summary>
    public void Arm(Topology from, string standby, int generation) => Arm(from, standby, generation, [.. from.Machines, standby]);

    /// <summary>As <see cref="Arm(Topology, string, int)"/>, where the word reaches only some of them.</summary>
    public void Arm(Topology from, string standby, int generation, params string[] told) => Arm(from, standby, generation, Job.Techniques, told);

    /// <summary>As above, with techniques that may not be the others'.</summary>
    public void Arm(Topology from, string standby, int generation, MigrationTechniques techniques, params string[] told)
    {
        foreach (var machine in told)
        {
            this[machine].Session.Submit(new ArmRequest($"g{generation}:arm", JobOn(from) with { Techniques = techniques }, from, new Member(0, standby, "127.0.0.1", PortOf(standby)), generation, lost =>
            {
                var next = GenerationWithout(from, generation, lost);
                return new StandingPlan($"g{next}:prepare", $"g{next}", next);
            }));
        }
    }

    public void Switch(Topology to, bool leaverLost, params string[] participants)
    {
        foreach (var machine in participants)
            this[machine].Session.Submit(new SwitchRequest($"g{to.Generation}:switch", $"g{to.Generation}", "job", to.Generation, leaverLost));
    }

    public async Task<T[]> AllAsync<T>(params string[] machines)
        where T : SessionEvent => await Task.WhenAll(machines.Select(machine => OneAsync<T>(machine)));

    public async Task<T> OneAsync<T>(string machine, Func<T, bool>? which = null)
        where T : SessionEvent
    {
        try
        {
            return await this[machine].FirstAsync(Patience, which);
        }
        catch (OperationCanceledException over)
        {
            var told = _nodes.Values.Select(node => $"{node.Machine} is {node.Session.Status.Phase}:\n  {string.Join("\n  ", node.Events.TakeLast(14).Select(happened => happened.ToString()))}");
            throw new TimeoutException($"{machine} raised no {typeof(T).Name} within {Patience}.\n{string.Join('\n', told)}", over);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Values.Select(node => node.DisposeAsync().AsTask()));
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>One machine: endpoint, session and what it has reported.</summary>
    internal sealed class Node : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly List<SessionEvent> _events = [];
        private readonly ConcurrentBag<TaskCompletionSource> _waiters = [];
        private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _dead;

        public Node(string machine, Func<string, IRankGroups, IRankGroups>? instrument, CollectivesOptions? deadlines, Func<string, double>? slowness)
        {
            Machine = machine;
            Endpoint = Endpoint.Listen(machine, IPAddress.Loopback, 0, deadlines);
            var options = new SessionOptions
            {
                Instrument = instrument is null ? null : inner => instrument(machine, inner),
                Slowness = slowness is null ? null : () => slowness(machine),
            };
            Session = new TrainingSession(Endpoint, machine, Note, options);
        }

        public string Machine { get; }

        public Endpoint Endpoint { get; }

        public TrainingSession Session { get; }

        public IReadOnlyList<SessionEvent> Events
        {
            get
            {
                lock (_gate)
                    return [.. _events];
            }
        }

        /// <summary>Raw bits of the loss of every completed step, in order.</summary>
        public IReadOnlyList<uint> LossBits => [.. Events.OfType<StepDone>().Select(step => BitConverter.SingleToUInt32Bits(step.Loss))];

        /// <summary>The process is gone: sockets are reset, nobody says goodbye.</summary>
        public void Die()
        {
            if (Interlocked.Exchange(ref _dead, 1) != 0)
                return;
            Endpoint.Sever();
            _died.TrySetResult();
        }

        /// <summary>Returns when the machine has died.</summary>
        public void AwaitDeath() => _died.Task.WaitAsync(Patience).GetAwaiter().GetResult();

        public async Task<T> FirstAsync<T>(TimeSpan patience, Func<T, bool>? which = null)
            where T : SessionEvent
        {
            using var deadline = new CancellationTokenSource(patience);
            while (true)
            {
                var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiters.Add(changed);
                if (Events.OfType<T>().FirstOrDefault(which ?? (static _ => true)) is { } found)
                    return found;
                await changed.Task.WaitAsync(deadline.Token);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Session.DisposeAsync();
            await Endpoint.DisposeAsync();
        }

        private void Note(SessionEvent happened)
        {
            lock (_gate)
                _events.Add(happened);
            while (_waiters.TryTake(out var waiter))
                waiter.TrySetResult();
        }
    }
}
