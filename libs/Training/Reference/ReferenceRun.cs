using System.Diagnostics;
using System.Net;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>What a run came to.</summary>
/// <param name="LossBits">Bits of the group's mean loss, per step.</param>
/// <param name="Digests"><see cref="Replica.Digest"/> after the last step, per rank.</param>
public sealed record ReferenceResult(IReadOnlyList<uint> LossBits, IReadOnlyList<string> Digests);

/// <summary>A job trained to its end without control plane, interruption or migration: what a migrated run must equal bit for bit.</summary>
public static class ReferenceRun
{
    /// <summary>Trains a job with one thread per rank over groups on the loopback interface, made by the same code that a job's machines run.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="ranks">Data-parallel ranks, at least 1.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="GroupSetupException">The groups could not be connected.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static async Task<ReferenceResult> RunAsync(
        ModelShape shape, TrainingRecipe recipe, Corpus corpus, int ranks, Action<long, float>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        var endpoints = new List<Endpoint>();
        var groups = new List<MachineGroups>();
        try
        {
            for (var rank = 0; rank < ranks; rank++)
                endpoints.Add(Endpoint.Listen(Machine(rank), IPAddress.Loopback));
            var members = endpoints.Select((endpoint, rank) => new Member(rank, Machine(rank), IPAddress.Loopback.ToString(), endpoint.Port)).ToArray();
            var topology = new Topology("reference", generation: 1, members, RandomNumberGenerator.GetBytes(Topology.KeyBytes));
            groups.AddRange(await Task.WhenAll(endpoints.Select(endpoint => endpoint.CreateGroupsAsync(topology, cancellation))));
            return await Task.Factory.StartNew(
                () => Run(shape, recipe, corpus, [.. groups.Select((group, rank) => group[rank].DataParallel)], progress, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            foreach (var group in groups)
                await group.DisposeAsync();
            foreach (var endpoint in endpoints)
                await endpoint.DisposeAsync();
        }

        static string Machine(int rank) => $"reference-{rank}";
    }

    /// <summary>Trains a job with one thread per rank over groups that are already connected.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="groups">The group as each rank sees it.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static ReferenceResult Run(
        ModelShape shape, TrainingRecipe recipe, Corpus corpus, IReadOnlyList<ICommunicator> groups,
        Action<long, float>? progress = null, CancellationToken cancellation = default)
    {
        var losses = new uint[recipe.Steps];
        var digests = new string[groups.Count];
        var errors = new ExceptionDispatchInfo?[groups.Count];
        var threads = groups.Select(group => new Thread(() =>
        {
            try
            {
                digests[group.Rank] = Train(new Replica(shape, recipe), corpus, group, outcome =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (group.Rank != 0)
                        return;
                    losses[outcome.Step] = BitConverter.SingleToUInt32Bits(outcome.Loss);
                    progress?.Invoke(outcome.Step, outcome.Loss);
                });
            }
            catch (Exception error)
            {
                errors[group.Rank] = ExceptionDispatchInfo.Capture(error);
                // The other ranks would wait for this one until their deadline.
                (group as CommunicationGroup)?.Fail(new GroupFailure(FailureKind.Ordered, group.Rank, null, error.Message, Stopwatch.GetTimestamp()));
            }
        })
        { IsBackground = true, Name = $"reference rank {group.Rank}" }).ToArray();

        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        var failed = errors.OfType<ExceptionDispatchInfo>().Select(error => error.SourceException).ToArray();
        cancellation.ThrowIfCancellationRequested();
        if (failed.Length > 0)
            throw new AggregateException("The reference run failed.", failed);
        return new ReferenceResult(losses, digests);
    }

    private static string Train(Replica replica, Corpus corpus, ICommunicator group, Action<StepOutcome> trained)
    {
        using (replica)
        {
            while (replica.Step < replica.Recipe.Steps)
                trained(StepProtocol.TrainStep(replica, corpus, group, StepProtocol.Commit));
            group.Barrier();
            return replica.Digest();
        }
    }
}
