using System.Net;

namespace TrainMover.Collectives.Tests;

/// <summary>
/// Machines of one job in this process, each with an endpoint of its own; m0..mN-1 form the first generation, further ones are standbys. Each machine holds equally many ranks, in the
/// order in which a topology names the machines.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    public static readonly byte[] Key = [.. Enumerable.Range(1, Topology.KeyBytes).Select(value => (byte)value)];

    private readonly List<Endpoint> _endpoints;
    private readonly Shape _shape;

    private Cluster(List<Endpoint> endpoints, Shape shape) => (_endpoints, _shape) = (endpoints, shape);

    public IReadOnlyList<Endpoint> Endpoints => _endpoints;

    /// <summary>One per machine of the current generation, in the order of their ranks.</summary>
    public MachineGroups[] Groups { get; private set; } = [];

    public Topology Topology { get; private set; } = null!;

    public static CollectivesOptions Options { get; } = new();

    public static Task<Cluster> StartAsync(int size, int standbys = 0, CollectivesOptions? options = null) => StartAsync(new Shape(), size, standbys, options);

    public static async Task<Cluster> StartAsync(Shape shape, int machines, int standbys = 0, CollectivesOptions? options = null)
    {
        var endpoints = Enumerable.Range(0, machines + standbys).Select(index => Endpoint.Listen($"m{index}", IPAddress.Loopback, 0, options ?? Options));
        var cluster = new Cluster([.. endpoints], shape);
        cluster.Topology = cluster.TopologyOf(1, Enumerable.Range(0, machines));
        cluster.Groups = await Task.WhenAll(cluster.Endpoints.Take(machines).Select(endpoint => endpoint.CreateGroupsAsync(cluster.Topology, Deadline()))).WaitAsync(Patience);
        return cluster;
    }

    public static CancellationToken Deadline() => new CancellationTokenSource(Patience).Token;

    public Topology TopologyOf(int generation, IEnumerable<int> machines)
    {
        var places = machines.SelectMany(machine => Enumerable.Repeat(machine, _shape.RanksPerMachine));
        Member[] members = [.. places.Select((machine, rank) => new Member(rank, $"m{machine}", "127.0.0.1", _endpoints[machine].Port))];
        return new Topology("job", generation, new ParallelLayout(members.Length / (_shape.Pp * _shape.Tp), _shape.Pp, _shape.Tp), members, Key, _shape.Channels, trees: _shape.Trees);
    }

    /// <summary>The current topology with one machine replaced by another, as the next generation.</summary>
    public Topology Replacing(int leaver, int joiner) =>
        Topology.Next(Topology.Generation + 1, new MachineReplacement($"m{leaver}", $"m{joiner}", "127.0.0.1", _endpoints[joiner].Port));

    /// <summary>Phase 1 on all machines of both topologies; indexed by machine.</summary>
    public async Task<Dictionary<int, PreparedGroups>> PrepareAsync(Topology to, params int[] dead)
    {
        var machines = MachinesOf(Topology).Concat(MachinesOf(to)).Distinct().Except(dead).ToList();
        var prepared = await Task.WhenAll(machines.Select(machine => PrepareAsync(machine, to))).WaitAsync(Patience);
        return machines.Zip(prepared).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    public Task<PreparedGroups> PrepareAsync(int machine, Topology to) => Groups.FirstOrDefault(groups => groups.Machine == $"m{machine}") is { } old
        ? old.PrepareStayersAsync(to, Deadline())
        : Endpoints[machine].PrepareJoinerAsync(Topology, to, Deadline());

    /// <summary>Phase 2 on all machines of the new topology; the groups are then the new ones. What each did, in the order of their ranks.</summary>
    public Task<ConnectionCounts[]> SwitchAsync(Topology to, Dictionary<int, PreparedGroups> prepared) => SwitchAsync(to, machine => prepared[machine].SwitchoverAsync(Deadline()));

    /// <summary>As <see cref="SwitchAsync(Topology, Dictionary{int, PreparedGroups})"/>, and nothing is concluded.</summary>
    public Task<ConnectionCounts[]> SwitchOnlyAsync(Topology to, Dictionary<int, PreparedGroups> prepared) => SwitchAsync(to, machine => OnThread(() => prepared[machine].Switchover(Deadline())));

    /// <summary>What the plan says that each machine of the new topology does, in the order of their ranks.</summary>
    public static ConnectionCounts[] Planned(DeltaPlan plan, Topology to) => [.. MachinesOf(to).Select(machine => plan.For($"m{machine}"))];

    /// <summary>Runs the same on a thread per machine, on the data-parallel group of its lowest rank, and waits for all of them.</summary>
    public Task<T[]> OnAllAsync<T>(Func<ICommunicator, T> act) => Task.WhenAll(Groups.Select(group => OnThread(() => act(group.DataParallel)))).WaitAsync(Patience);

    public Task OnAllAsync(Action<ICommunicator> act) => OnAllAsync(group =>
    {
        act(group);
        return true;
    });

    public static Task<T> OnThread<T>(Func<T> act) => Task.Factory.StartNew(act, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public async ValueTask DisposeAsync() => await Task.WhenAll(_endpoints.Select(endpoint => endpoint.DisposeAsync().AsTask())).WaitAsync(Patience);

    private async Task<ConnectionCounts[]> SwitchAsync(Topology to, Func<int, Task<(MachineGroups Groups, ConnectionCounts Counts)>> switchOver)
    {
        var switched = await Task.WhenAll(MachinesOf(to).Select(switchOver)).WaitAsync(Patience);
        Topology = to;
        Groups = [.. switched.Select(pair => pair.Groups)];
        return [.. switched.Select(pair => pair.Counts)];
    }

    private static IEnumerable<int> MachinesOf(Topology topology) => topology.Members.Select(member => int.Parse(member.Machine[1..])).Distinct();

    /// <summary>Degrees of parallelism beside the data-parallel one, which follows from the number of machines.</summary>
    internal sealed record Shape(int Pp = 1, int Tp = 1, int RanksPerMachine = 1, int Channels = 1, bool Trees = false);
}
