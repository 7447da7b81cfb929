using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// Shadow iterations of all ranks of a machine at once, or of all machines of a batch. What they exchange among themselves is real, everything that would leave them is answered from the record.
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
            return Run(job, local, corpus, machine, topology, local.Numbers.ToHashSet(), deadline.Token);
        }
        finally
        {
            machine.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Runs it as this machine's part of a batch, whose other machines run theirs. Who fails ends the iteration of all.</summary>
    /// <exception cref="GroupSetupException">A machine of the batch was not reached within <see cref="CollectivesOptions.SetupDeadline"/>.</exception>
    public static ShadowResult Run(SessionJob job, LocalRanks local, Corpus corpus, Endpoint endpoint, ShadowBatch batch, CancellationToken ct) =>
        Run(job, local, corpus, endpoint, batch.Inside, batch.Recorded, ct);

    private static ShadowResult Run(SessionJob job, LocalRanks local, Corpus corpus, Endpoint endpoint, Topology inside, IReadOnlySet<int> recorded, CancellationToken ct)
    {
        var groups = endpoint.CreateGroupsAsync(inside, ct).GetAwaiter().GetResult();
        try
        {
            using var end = ct.Register(() => groups.Fail(new GroupFailure(FailureKind.Ordered, null, null, "The shadow iteration was given up.", Stopwatch.GetTimestamp())));
            return Combined(local.Run(rank =>
            {
                var crossing = GroupRoles.Crossing(job.Layout, rank.Rank, recorded);
                var real = groups[groups.Ranks[local.IndexOf(rank)]];
                return Run(job, rank, corpus, new GroupsByRole(inside.Layout, real.Rank, role => crossing.Contains(role) ? null : real.In(role)));
            }));
        }
        finally
        {
            groups.DisposeAsync().AsTask().GetAwaiter().GetResult();
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
