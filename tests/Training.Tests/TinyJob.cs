using TrainMover.Collectives;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace TrainMover.Training.Tests;

/// <summary>A job small enough for many steps per second, on real text.</summary>
internal static class TinyJob
{
    public const string Name = "tiny";

    public static ModelShape Shape { get; } = new(Layers: 2, Width: 32, Heads: 2, Context: 16, Dropout: 0.1f);

    public static TrainingRecipe Recipe { get; } = new(Seed: 7, Steps: 6, BatchPerRank: 2, LearningRate: 1e-3f, WarmupSteps: 2);

    public static Corpus Text { get; } = LoadText();

    public static Replica NewReplica(ulong seed = 7) => new(Shape, Recipe with { Seed = seed });

    public static float[] Train(Replica replica, int steps)
    {
        var group = ThreadGroup.Of(1)[0];
        return [.. Enumerable.Range(0, steps).Select(_ => StepProtocol.TrainStep(replica, Text, group, StepProtocol.Commit).Loss)];
    }

    private static Corpus LoadText()
    {
        using var text = new MemoryStream();
        var assembly = typeof(TinyJob).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
            assembly.GetManifestResourceStream(name)!.CopyTo(text);
        return Corpus.Of(text.ToArray());
    }
}

/// <summary>Ranks as threads of this process; reduces in rank order.</summary>
internal sealed class ThreadGroup : ICommunicator
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly byte[]?[] _sent;
    private readonly Barrier _barrier;

    private ThreadGroup(int rank, byte[]?[] sent, Barrier barrier) => (Rank, _sent, _barrier) = (rank, sent, barrier);

    public int Rank { get; }

    public int Size => _sent.Length;

    public static ThreadGroup[] Of(int size)
    {
        var sent = new byte[]?[size];
        var barrier = new Barrier(size);
        return [.. Enumerable.Range(0, size).Select(rank => new ThreadGroup(rank, sent, barrier))];
    }

    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
        Exchange(System.Runtime.InteropServices.MemoryMarshal.AsBytes(buffer));
        for (var rank = 0; rank < Size; rank++)
        {
            var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(_sent[rank]);
            for (var i = 0; i < buffer.Length; i++)
            {
                buffer[i] = rank == 0 ? values[i] : operation switch
                {
                    ReduceOperation.Sum => buffer[i] + values[i],
                    ReduceOperation.Min => MathF.Min(buffer[i], values[i]),
                    _ => MathF.Max(buffer[i], values[i]),
                };
            }
        }

        Barrier();
    }

    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
    {
        Exchange(mine);
        for (var rank = 0; rank < Size; rank++)
            _sent[rank].CopyTo(all[(rank * mine.Length)..]);
        Barrier();
    }

    public void Broadcast(Span<byte> buffer, int root)
    {
        Exchange(buffer);
        _sent[root].CopyTo(buffer);
        Barrier();
    }

    public void Barrier()
    {
        if (!_barrier.SignalAndWait(Deadline))
            throw new TimeoutException($"Rank {Rank} waited {Deadline} for the other ranks.");
    }

    public void ReduceScatter(Span<float> buffer) => AllReduce(buffer, ReduceOperation.Sum);

    public void AllGather(Span<float> buffer)
    {
        Exchange(System.Runtime.InteropServices.MemoryMarshal.AsBytes(buffer));
        for (var rank = 0; rank < Size; rank++)
        {
            var part = ((ICommunicator)this).PartOf(buffer.Length, rank);
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(_sent[rank])[part].CopyTo(buffer[part]);
        }

        Barrier();
    }

    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
    {
        Exchange(toNext);
        _sent[(Rank + Size - 1) % Size].CopyTo(fromPrevious);
        Barrier();
    }

    private void Exchange(ReadOnlySpan<byte> bytes)
    {
        _sent[Rank] = bytes.ToArray();
        Barrier();
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("trainmover-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
