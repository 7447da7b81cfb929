using OwnModel;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>The example of docs/own-model.md, as it stands there.</summary>
public class OwnModelTests
{
    private static readonly WindowModel Model = new(window: 3, width: 32, inner: 64, layers: 4);
    private static readonly TrainingRecipe Recipe = new(Seed: 1, Steps: 40, BatchPerRank: 8, LearningRate: 1e-2f);

    [Fact]
    public void The_example_learns()
    {
        var run = TrainedModel.Run(Model, Recipe, new ParallelLayout(1), new CountingData());

        run.Losses[0].ShouldBeInRange(5.3f, 5.8f);
        run.Losses[^1].ShouldBeLessThan(2f);
    }

    [Fact]
    public void The_example_trains_alike_in_any_layout()
    {
        var recipe = Recipe with { Steps = 5 };
        var alone = TrainedModel.Run(Model, recipe, new ParallelLayout(1), new CountingData());

        var run = TrainedModel.Run(
            Model, recipe with { BatchPerRank = 4, MicroBatches = 2, ShardOptimizer = true, OverlapReduction = true }, new ParallelLayout(Dp: 2, Pp: 2, Tp: 2), new CountingData());

        for (var step = 0; step < recipe.Steps; step++)
            run.Losses[step].ShouldBe(alone.Losses[step], tolerance: 1e-4);
    }

    [Fact]
    public void The_page_shows_the_code_that_runs_here()
    {
        var page = Text("doc/own-model.md");
        var code = Text("own/WindowModel.cs");

        page.ShouldContain($"```csharp\n{code}```");
    }

    private static string Text(string name)
    {
        using var stream = typeof(OwnModelTests).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
