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
    /// <summary>Trains the byte-level GPT with data parallelism alone, otherwise as the overload for any layout does.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="ranks">Data-parallel ranks, at least 1.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="GroupSetupException">The groups could not be connected.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static Task<ReferenceResult> RunAsync(
        ModelShape shape, TrainingRecipe recipe, ITrainingData corpus, int ranks, Action<long, float>? progress = null, CancellationToken cancellation = default) =>
        RunAsync(new ByteGpt(shape), recipe, corpus, new ParallelLayout(ranks), progress, cancellation);

    /// <summary>Trains a job with one thread per rank over groups on the loopback interface, made by the same code that a job's machines run. Tensor-parallel ranks share a machine.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="layout">Degrees of parallelism.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="GroupSetupException">The groups could not be connected.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static async Task<ReferenceResult> RunAsync(
        IModel model, TrainingRecipe recipe, ITrainingData data, ParallelLayout layout, Action<long, float>? progress = null, CancellationToken cancellation = default)
    {
        layout.Validate();
        var endpoints = new List<Endpoint>();
        var machines = new List<MachineGroups>();
        try
        {
            for (var machine = 0; machine < layout.Size / layout.Tp; machine++)
                endpoints.Add(Endpoint.Listen($"reference-{machine}", IPAddress.Loopback));
            var members = Enumerable.Range(0, layout.Size)
                .Select(rank => new Member(rank, $"reference-{rank / layout.Tp}", IPAddress.Loopback.ToString(), endpoints[rank / layout.Tp].Port)).ToArray();
            var topology = new Topology("reference", generation: 1, layout, members, RandomNumberGenerator.GetBytes(Topology.KeyBytes));
            machines.AddRange(await Task.WhenAll(endpoints.Select(endpoint => endpoint.CreateGroupsAsync(topology, cancellation))));
            return await Task.Factory.StartNew(
                () => Run(model, recipe, data, machines, progress, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            foreach (var machine in machines)
                await machine.DisposeAsync();
            foreach (var endpoint in endpoints)
                await endpoint.DisposeAsync();
        }
    }

    /// <summary>Trains a job with one thread per rank over the connected groups of all its machines.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="machines">All machines of one generation.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static ReferenceResult Run(
        IModel model, TrainingRecipe recipe, ITrainingData data, IReadOnlyList<MachineGroups> machines,
        Action<long, float>? progress = null, CancellationToken cancellation = default)
    {
        var groups = machines.SelectMany(machine => machine.Ranks.Select(rank => (Machine: machine, Groups: machine[rank]))).OrderBy(entry => entry.Groups.Rank).ToArray();
        return Run(
            model, recipe, data, [.. groups.Select(entry => entry.Groups)],
            (rank, error) => groups[rank].Machine.Fail(new GroupFailure(FailureKind.Ordered, rank, null, error.Message, Stopwatch.GetTimestamp())),
            progress, cancellation);
    }

    /// <summary>Trains a job in any layout with one thread per rank over groups that are already connected.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="groups">The groups of each rank, in rank order.</param>
    /// <param name="failed">Called on the thread of a rank that has failed: ends its groups, since the others would wait for it until their deadline.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="AggregateException">Ranks failed; holds the error of each.</exception>
    public static ReferenceResult Run(
        IModel model, TrainingRecipe recipe, ITrainingData data, IReadOnlyList<IRankGroups> groups, Action<int, Exception> failed,
        Action<long, float>? progress = null, CancellationToken cancellation = default)
    {
        var losses = new uint[recipe.Steps];
        var digests = new string[groups.Count];
        var errors = new ExceptionDispatchInfo?[groups.Count];
        var threads = groups.Select(own => new Thread(() =>
        {
            try
            {
                digests[own.Rank] = Train(new Replica(model, recipe, own.Layout, own.Position), data, own, outcome =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (own.Rank != 0)
                        return;
                    losses[outcome.Step] = BitConverter.SingleToUInt32Bits(outcome.Loss);
                    progress?.Invoke(outcome.Step, outcome.Loss);
                });
            }
            catch (Exception error)
            {
                errors[own.Rank] = ExceptionDispatchInfo.Capture(error);
                failed(own.Rank, error);
            }
        })
        { IsBackground = true, Name = $"reference rank {own.Rank}" }).ToArray();

        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        cancellation.ThrowIfCancellationRequested();
        var causes = errors.OfType<ExceptionDispatchInfo>().Select(error => error.SourceException).ToArray();
        if (causes.Length > 0)
            throw new AggregateException("The reference run failed.", causes);
        return new ReferenceResult(losses, digests);
    }

    private static string Train(Replica replica, ITrainingData data, IRankGroups groups, Action<StepOutcome> trained)
    {
        using (replica)
        {
            while (replica.Step < replica.Recipe.Steps)
                trained(StepProtocol.TrainStep(replica, data, groups, StepProtocol.Commit));
            groups.Barrier();
            return replica.Digest();
        }
    }
}
