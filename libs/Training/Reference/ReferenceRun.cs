using System.Runtime.ExceptionServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>What a run came to.</summary>
/// <param name="LossBits">Bits of the group's mean loss, per step.</param>
/// <param name="Digests"><see cref="Replica.Digest"/> after the last step, per rank.</param>
public sealed record ReferenceResult(IReadOnlyList<uint> LossBits, IReadOnlyList<string> Digests);

/// <summary>A job trained to its end without control plane, interruption or migration: what a migrated run must equal bit for bit.</summary>
public static class ReferenceRun
{
    /// <summary>Trains a job with one thread per rank over groups that are already connected.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="groups">The group as each rank sees it.</param>
    /// <param name="progress">Called by rank 0 after each step with the step, from 0, and the loss.</param>
    /// <param name="cancellation">Ends the run at the next step of any rank; the other ranks then end by their groups' failure.</param>
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
            }
        })
        { IsBackground = true, Name = $"reference rank {group.Rank}" }).ToArray();

        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        var failed = errors.OfType<ExceptionDispatchInfo>().Select(error => error.SourceException).ToArray();
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
