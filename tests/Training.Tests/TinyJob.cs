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

    public static float[] Train(Replica replica, int steps) =>
        [.. Enumerable.Range(0, steps).Select(_ => StepProtocol.TrainStep(replica, Text, ThreadGroups.Alone, StepProtocol.Commit).Loss)];

    private static Corpus LoadText()
    {
        using var text = new MemoryStream();
        var assembly = typeof(TinyJob).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith("text/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            assembly.GetManifestResourceStream(name)!.CopyTo(text);
        return Corpus.Of(text.ToArray());
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("trainmover-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
