using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;

namespace TrainMover.Collectives;

/// <summary>What a dialer names a generation by.</summary>
/// <param name="Job">The job.</param>
/// <param name="Generation">Number of the generation.</param>
/// <param name="IsStanding">Whether it is meant as a plan that is held before its cause.</param>
internal readonly record struct GenerationKey(string Job, int Generation, bool IsStanding);

/// <summary>
/// A generation that this machine takes part in, while its connections are made: who may connect to it for what, and what has connected. A machine stands here as the member of
/// its lowest rank.
/// </summary>
internal sealed class Membership : IDisposable
{
    /// <summary>State connections that one machine may have open at once to another.</summary>
    public const int MostStreams = 256;

    private const int WaitingPerName = 4;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Machine, ConnectionName Name), Channel<Socket>> _arrivals = [];
    private readonly ConcurrentDictionary<RingEdge, bool> _renewed = new();
    private bool _closed;

    public Membership(Topology? from, Topology to, string machine, bool reuse = true, bool isStanding = false)
    {
        IsStanding = isStanding;
        From = from;
        To = to;
        Machine = machine;
        Rank = to.On(machine)?.Rank;
        Plan = from is null ? DeltaPlan.Fresh(to) : DeltaPlan.Compute(from, to, reuse);
        Part = Plan.PartOf(machine);
        Scope = Convert.ToUInt64(Plan.Digest[..16], 16);
        Joiners = [.. MachinesOf(to).Where(member => !Holds(from, member))];
        Stayers = [.. MachinesOf(to).Where(member => Holds(from, member))];
        Leavers = [.. (from is null ? [] : MachinesOf(from)).Where(member => !Holds(to, member))];
        IsJoiner = IsJoinerMachine(machine);
    }

    private Membership(Membership held)
    {
        (From, To, Machine, Rank, Plan, Part, Scope) = (held.From, held.To, held.Machine, held.Rank, held.Plan, held.Part, held.Scope);
        (Joiners, Stayers, Leavers, IsJoiner) = (held.Joiners, held.Stayers, held.Leavers, held.IsJoiner);
    }

    /// <summary>Whether the plan is held before its cause; only its data connections are made then, under names of their own.</summary>
    public bool IsStanding { get; }

    public Topology? From { get; }

    public Topology To { get; }

    public string Machine { get; }

    /// <summary>Lowest rank of this machine in the new topology; null for a leaver.</summary>
    public int? Rank { get; }

    public DeltaPlan Plan { get; }

    /// <summary>What the switch does to the connections of this machine.</summary>
    public MachinePart Part { get; }

    /// <summary>Tells the frames of this generation from those of any other, also of one with the same number.</summary>
    public ulong Scope { get; }

    /// <summary>Machines that only the new topology has; in a first generation all.</summary>
    public IReadOnlyList<Member> Joiners { get; }

    /// <summary>Machines of both topologies, as the new one has them.</summary>
    public IReadOnlyList<Member> Stayers { get; }

    /// <summary>Machines that only the old topology has.</summary>
    public IReadOnlyList<Member> Leavers { get; }

    public bool IsJoiner { get; }

    public GenerationKey Key => new(To.Job, To.Generation, IsStanding);

    /// <summary>The same generation when it is carried out.</summary>
    public Membership CarriedOut() => new(this);

    /// <summary>Edges that the plan keeps and that are made anew all the same, because an end of them is missing.</summary>
    public IEnumerable<RingEdge> Renewed => _renewed.Keys;

    /// <summary>Makes an edge anew that the plan keeps.</summary>
    public void Renew(RingEdge edge) => _renewed.TryAdd(edge, true);

    public bool IsRenewed(RingEdge edge) => _renewed.ContainsKey(edge);

    /// <summary>Whether phase 1 makes an edge already: what has a joiner at an end disturbs nothing that is in use.</summary>
    public bool IsMadeInPhaseOne(RingEdge edge) => IsJoinerMachine(edge.FromMachine) || IsJoinerMachine(edge.ToMachine);

    public ConnectionName LinkWith(Member peer) => new(ConnectionPurpose.Bootstrap, default, 0, Rank ?? -1, To.On(peer.Machine)?.Rank ?? -1);

    /// <summary>Name of the bootstrap connection that a stayer, another joiner or a leaver opens to this joiner.</summary>
    public ConnectionName LinkFrom(Member peer) => new(ConnectionPurpose.Bootstrap, default, 0, To.On(peer.Machine)?.Rank ?? -1, Rank!.Value);

    /// <summary>Name of a state connection between two machines.</summary>
    public ConnectionName Stream(string from, string to, int stream) =>
        new(ConnectionPurpose.State, default, stream, To.On(from)?.Rank ?? -1, To.On(to)?.Rank ?? -1);

    public ConnectionName NameOf(RingEdge edge) => new(EdgePurpose, edge.Group, edge.Channel, edge.FromRank, edge.ToRank);

    public Hello HelloTo(Member peer, ConnectionName name) => new(To.Job, To.Generation, Plan.Digest, Machine, peer.Machine, name);

    /// <summary>Whether the new topology expects this very connection.</summary>
    public bool Admits(Hello hello)
    {
        var name = hello.Name;
        if (hello.PlanDigest != Plan.Digest || hello.ToMachine != Machine || hello.FromMachine == Machine)
            return false;
        if (name.Purpose == EdgePurpose)
            return IsOpened(new RingEdge(name.Group, name.Channel, name.FromRank, hello.FromMachine, name.ToRank, Machine));
        var isLeaver = name.FromRank == -1 && From?.On(hello.FromMachine) is not null && To.On(hello.FromMachine) is null;
        var isMember = name.FromRank >= 0 && To.On(hello.FromMachine)?.Rank == name.FromRank;
        if (IsStanding || name.Group != default || name.ToRank != (Rank ?? -1) || !(isLeaver || isMember))
            return false;
        return name.Purpose switch
        {
            ConnectionPurpose.Bootstrap or ConnectionPurpose.Lifeline => name.Channel == 0 && IsJoiner && (isLeaver || Dials(hello.FromMachine, name.FromRank)),
            ConnectionPurpose.State => Rank is not null && name.Channel is >= 0 and < MostStreams,
            _ => false,
        };
    }

    /// <summary>Keeps a connection for whoever awaits it; false when it came twice or too late.</summary>
    public bool Deliver(Hello hello, Socket socket) => Arrivals(hello.FromMachine, hello.Name).Writer.TryWrite(socket);

    public ValueTask<Socket> AwaitAsync(string machine, ConnectionName name, CancellationToken ct) => Arrivals(machine, name).Reader.ReadAsync(ct);

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var arrivals in _arrivals.Values)
            {
                arrivals.Writer.TryComplete();
                while (arrivals.Reader.TryRead(out var unclaimed))
                    unclaimed.Dispose();
            }
        }
    }

    private ConnectionPurpose EdgePurpose => IsStanding ? ConnectionPurpose.StandingEdge : ConnectionPurpose.RingEdge;

    /// <summary>Old members dial joiners; among joiners the lower rank dials.</summary>
    private bool Dials(string machine, int rank) => rank < Rank || !IsJoinerMachine(machine);

    private bool IsJoinerMachine(string machine) => To.On(machine) is { } member && !Holds(From, member);

    private bool IsOpened(RingEdge edge) => Part.Added.Contains(edge) || IsRenewed(edge);

    private static IEnumerable<Member> MachinesOf(Topology topology) => topology.Machines.Select(machine => topology.On(machine)!).OrderBy(member => member.Rank);

    private static bool Holds(Topology? topology, Member member) =>
        topology?.On(member.Machine) is { } other && other.Host == member.Host && other.Port == member.Port;

    private Channel<Socket> Arrivals(string machine, ConnectionName name)
    {
        lock (_gate)
        {
            if (_arrivals.TryGetValue((machine, name), out var arrivals))
                return arrivals;
            arrivals = Channel.CreateBounded<Socket>(name.Purpose == ConnectionPurpose.State ? WaitingPerName : 1);
            if (_closed)
                arrivals.Writer.Complete();
            _arrivals.Add((machine, name), arrivals);
            return arrivals;
        }
    }
}
