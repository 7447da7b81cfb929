using System.Net;

namespace TrainMover.Collectives.Tests;

/// <summary>Machines of one job in this process, each with an endpoint of its own; m0..mN-1 form the first generation, further ones are standbys.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    public static readonly byte[] Key = [.. Enumerable.Range(1, Topology.KeyBytes).Select(value => (byte)value)];

    private readonly List<Endpoint> _endpoints;

    private Cluster(List<Endpoint> endpoints) => _endpoints = endpoints;

    public IReadOnlyList<Endpoint> Endpoints => _endpoints;

    public MachineGroups[] Groups { get; private set; } = [];

    public Topology Topology { get; private set; } = null!;

    public static CollectivesOptions Options { get; } = new();

    public static async Task<Cluster> StartAsync(int size, int standbys = 0, CollectivesOptions? options = null)
    {
        var cluster = new Cluster([.. Enumerable.Range(0, size + standbys).Select(index => Endpoint.Listen($"m{index}", IPAddress.Loopback, 0, options ?? Options))]);
        cluster.Topology = cluster.TopologyOf(1, Enumerable.Range(0, size));
        cluster.Groups = await Task.WhenAll(
            Enumerable.Range(0, size).Select(rank => cluster.Endpoints[rank].CreateGroupsAsync(cluster.Topology, Deadline()))).WaitAsync(Patience);
        return cluster;
    }

    public static CancellationToken Deadline() => new CancellationTokenSource(Patience).Token;

    public Topology TopologyOf(int generation, IEnumerable<int> machines) => new(
        "job",
        generation,
        [.. machines.Select((machine, rank) => new Member(rank, $"m{machine}", "127.0.0.1", _endpoints[machine].Port))],
        Key);

    /// <summary>The current topology with one machine replaced by another, as the next generation.</summary>
    public Topology Replacing(int leaver, int joiner) => TopologyOf(
        Topology.Generation + 1,
        Topology.Members.Select(member => MachineOf(member)).Select(machine => machine == leaver ? joiner : machine));

    /// <summary>Phase 1 on all machines of both topologies; indexed by machine.</summary>
    public async Task<Dictionary<int, PreparedGroups>> PrepareAsync(Topology to, params int[] dead)
    {
        var machines = Topology.Members.Concat(to.Members).Select(MachineOf).Distinct().Except(dead).ToList();
        var prepared = await Task.WhenAll(machines.Select(machine => PrepareAsync(machine, to))).WaitAsync(Patience);
        return machines.Zip(prepared).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    public Task<PreparedGroups> PrepareAsync(int machine, Topology to) => Topology.Members.FirstOrDefault(member => MachineOf(member) == machine) is { } old
        ? Groups[old.Rank].PrepareStayersAsync(to, Deadline())
        : Endpoints[machine].PrepareJoinerAsync(Topology, to, Deadline());

    /// <summary>Phase 2 on all members of the new topology; the groups are then the new ones. What each did, by rank.</summary>
    public async Task<ConnectionCounts[]> SwitchAsync(Topology to, Dictionary<int, PreparedGroups> prepared)
    {
        var switched = await Task.WhenAll(to.Members.Select(member => prepared[MachineOf(member)].SwitchoverAsync(Deadline()))).WaitAsync(Patience);
        Topology = to;
        Groups = [.. switched.Select(pair => pair.Groups)];
        return [.. switched.Select(pair => pair.Counts)];
    }

    /// <summary>Runs the same on a thread per rank and waits for all of them.</summary>
    public Task<T[]> OnAllAsync<T>(Func<ICommunicator, T> act) => Task.WhenAll(Groups.Select(group => OnThread(() => act(group.DataParallel)))).WaitAsync(Patience);

    public Task OnAllAsync(Action<ICommunicator> act) => OnAllAsync(group =>
    {
        act(group);
        return true;
    });

    public static Task<T> OnThread<T>(Func<T> act) => Task.Factory.StartNew(act, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public async ValueTask DisposeAsync() => await Task.WhenAll(_endpoints.Select(endpoint => endpoint.DisposeAsync().AsTask())).WaitAsync(Patience);

    private static int MachineOf(Member member) => int.Parse(member.Machine[1..]);
}
