using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;

namespace TrainMover.Collectives;

/// <summary>A generation that this machine takes part in, while its connections are made: who may connect to it for what, and what has connected.</summary>
internal sealed class Membership : IDisposable
{
    private const int StateConnections = 4;
    private readonly ConcurrentDictionary<(ConnectionPurpose, string), Channel<Socket>> _arrivals = new();

    public Membership(Topology? from, Topology to, string machine, int? rank)
    {
        From = from;
        To = to;
        Machine = machine;
        Rank = rank;
        Plan = from is null ? DeltaPlan.Fresh(to) : DeltaPlan.Compute(from, to);
        Scope = Convert.ToUInt64(Plan.Digest[..16], 16);
        Joiners = [.. to.Members.Where(member => !Holds(from, member))];
        Stayers = [.. to.Members.Where(member => Holds(from, member))];
        Leavers = [.. (from?.Members ?? []).Where(member => !Holds(to, member))];
        IsJoiner = Joiners.Any(member => member.Machine == machine && member.Rank == rank);
    }

    public Topology? From { get; }

    public Topology To { get; }

    public string Machine { get; }

    /// <summary>Rank of this machine in the new topology; null for a leaver.</summary>
    public int? Rank { get; }

    public DeltaPlan Plan { get; }

    /// <summary>Tells the frames of this generation from those of any other, also of one with the same number.</summary>
    public ulong Scope { get; }

    /// <summary>Members that only the new topology has; in a first generation all.</summary>
    public IReadOnlyList<Member> Joiners { get; }

    /// <summary>Members of both topologies, as the new one has them.</summary>
    public IReadOnlyList<Member> Stayers { get; }

    /// <summary>Members that only the old topology has.</summary>
    public IReadOnlyList<Member> Leavers { get; }

    public bool IsJoiner { get; }

    public (string Job, int Generation) Key => (To.Job, To.Generation);

    public Hello HelloTo(Member peer, ConnectionPurpose purpose) => new(
        purpose,
        To.Job,
        To.Generation,
        Plan.Digest,
        Rank ?? -1,
        Machine,
        To.On(peer.Machine)?.Rank ?? -1,
        peer.Machine);

    /// <summary>Whether the new topology expects this very connection.</summary>
    public bool Admits(Hello hello)
    {
        if (hello.PlanDigest != Plan.Digest || hello.ToMachine != Machine || hello.ToRank != (Rank ?? -1) || hello.FromMachine == Machine)
            return false;
        var isLeaver = hello.FromRank == -1 && Leavers.Any(leaver => leaver.Machine == hello.FromMachine);
        var isMember = hello.FromRank >= 0 && hello.FromRank < To.Size && To[hello.FromRank].Machine == hello.FromMachine;
        if (!isLeaver && !isMember)
            return false;
        return hello.Purpose switch
        {
            ConnectionPurpose.Bootstrap => IsJoiner && (isLeaver || Dials(hello.FromRank)),
            ConnectionPurpose.RingEdge => isMember && Plan.Added.Contains(new RingEdge(hello.FromRank, hello.FromMachine, hello.ToRank, Machine)),
            ConnectionPurpose.State => Rank is not null,
            _ => false,
        };
    }

    /// <summary>Keeps a connection for whoever awaits it; false when it came twice or too late.</summary>
    public bool Deliver(Hello hello, Socket socket) => Arrivals(hello.Purpose, hello.FromMachine).Writer.TryWrite(socket);

    public ValueTask<Socket> AwaitAsync(ConnectionPurpose purpose, string machine, CancellationToken ct) => Arrivals(purpose, machine).Reader.ReadAsync(ct);

    public void Dispose()
    {
        foreach (var arrivals in _arrivals.Values)
        {
            arrivals.Writer.TryComplete();
            while (arrivals.Reader.TryRead(out var unclaimed))
                unclaimed.Dispose();
        }
    }

    /// <summary>Old members dial joiners; among joiners the lower rank dials.</summary>
    private bool Dials(int rank) => rank < Rank || Stayers.Any(stayer => stayer.Rank == rank);

    private static bool Holds(Topology? topology, Member member) =>
        topology is not null && topology.Members.Any(other => other.Machine == member.Machine && other.Host == member.Host && other.Port == member.Port);

    private Channel<Socket> Arrivals(ConnectionPurpose purpose, string machine) => _arrivals.GetOrAdd(
        (purpose, machine),
        static key => Channel.CreateBounded<Socket>(key.Item1 == ConnectionPurpose.State ? StateConnections : 1));
}
