using System.Net;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// Shadow iterations of all ranks of a machine at once. What they exchange inside the machine is real, everything that would leave it is answered from the record.
/// </summary>
internal static class MachineShadow
{
    private const string Sandbox = "sandbox";
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(10);

    /// <summary>Runs the recorded step on replicas of the job's ranks; the state that they are left with is of no worth.</summary>
    public static ShadowResult Run(SessionJob job, LocalRanks local, Corpus corpus)
    {
        if (local.All.Count == 1)
            return Run(job, local.First, corpus, inside: null);

        using var deadline = new CancellationTokenSource(ConnectDeadline);
        var machine = Endpoint.Listen(Sandbox, IPAddress.Loopback);
        try
        {
            var layout = LayoutInside(job);
            var members = Enumerable.Range(0, layout.Size).Select(rank => new Member(rank, Sandbox, IPAddress.Loopback.ToString(), machine.Port));
            var topology = new Topology(Sandbox, 1, layout, [.. members], RandomNumberGenerator.GetBytes(Topology.KeyBytes));
            var groups = machine.CreateGroupsAsync(topology, deadline.Token).GetAwaiter().GetResult();
            var ranks = local.Numbers.ToHashSet();
            return Combined(local.Run(rank =>
            {
                var crossing = GroupRoles.Crossing(job.Layout, rank.Rank, ranks);
                var inside = groups[local.IndexOf(rank)];
                return Run(job, rank, corpus, new GroupsByRole(layout, inside.Rank, role => crossing.Contains(role) ? null : inside.In(role)));
            }));
        }
        finally
        {
            machine.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    // Ranks are numbered tensor-parallel first, then data-parallel, then by stage: a machine holds a run of them.
    private static ParallelLayout LayoutInside(SessionJob job)
    {
        var tensorGroups = job.Devices / job.Layout.Tp;
        return tensorGroups <= job.Layout.Dp
            ? new ParallelLayout(tensorGroups, 1, job.Layout.Tp)
            : new ParallelLayout(job.Layout.Dp, tensorGroups / job.Layout.Dp, job.Layout.Tp);
    }

    private static ShadowResult Run(SessionJob job, LocalRank rank, Corpus corpus, IRankGroups? inside) =>
        ShadowIteration.Run(rank.Replica, corpus, CheckpointStore.FileOf(job, 0, rank.Rank), StepRecords.FolderOf(job, rank.Rank), inside);

    private static ShadowResult Combined(IReadOnlyList<ShadowResult> ranks)
    {
        var bad = ranks.FirstOrDefault(rank => !rank.Good);
        return (bad ?? ranks[0]) with { Duration = ranks.Max(rank => rank.Duration), Calls = ranks.Sum(rank => rank.Calls), BytesAnswered = ranks.Sum(rank => rank.BytesAnswered) };
    }
}
