using System.Net;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// Shadow iterations of all ranks of a machine at once. What they exchange inside the machine is real, everything that would leave it is answered from the record.
/// </summary>
internal static class MachineShadow
{
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(10);

    /// <summary>Runs the recorded step on replicas of the job's ranks; the state that they are left with is of no worth.</summary>
    public static ShadowResult Run(SessionJob job, LocalRanks local, Corpus corpus)
    {
        var degree = job.Layout.Tp;
        if (degree == 1)
            return Combined(local.Run(rank => Run(job, rank, corpus, tensorParallel: null)));

        using var deadline = new CancellationTokenSource(ConnectDeadline);
        var machines = Enumerable.Range(0, local.All.Count / degree).Select(_ => Endpoint.Listen("sandbox", IPAddress.Loopback)).ToList();
        var groups = new List<MachineGroups>();
        try
        {
            foreach (var machine in machines)
            {
                var members = Enumerable.Range(0, degree).Select(rank => new Member(rank, "sandbox", IPAddress.Loopback.ToString(), machine.Port));
                var topology = new Topology("sandbox", 1, new ParallelLayout(1, 1, degree), [.. members], RandomNumberGenerator.GetBytes(Topology.KeyBytes));
                groups.Add(machine.CreateGroupsAsync(topology, deadline.Token).GetAwaiter().GetResult());
            }

            return Combined(local.Run(rank =>
            {
                var index = local.All.ToList().IndexOf(rank);
                return Run(job, rank, corpus, groups[index / degree][index % degree].TensorParallel);
            }));
        }
        finally
        {
            foreach (var group in groups)
                group.DisposeAsync().AsTask().GetAwaiter().GetResult();
            foreach (var machine in machines)
                machine.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static ShadowResult Run(SessionJob job, LocalRank rank, Corpus corpus, ICommunicator? tensorParallel) =>
        ShadowIteration.Run(rank.Replica, corpus, CheckpointStore.FileOf(job, 0, rank.Rank), StepRecords.FolderOf(job, rank.Rank));

    private static ShadowResult Combined(IReadOnlyList<ShadowResult> ranks)
    {
        var bad = ranks.FirstOrDefault(rank => !rank.Good);
        return (bad ?? ranks[0]) with { Duration = ranks.Max(rank => rank.Duration), Calls = ranks.Sum(rank => rank.Calls), BytesAnswered = ranks.Sum(rank => rank.BytesAnswered) };
    }
}
