namespace TrainMover.Training.Tests;

public class AdamWTests
{
    [Theory]
    [InlineData(0.001f, 1)]
    [InlineData(50f, 4)]
    public void An_update_is_adamw_with_decay_of_matrices_warm_up_and_clipping_bit_for_bit(float gradient, int size)
    {
        using var replica = TinyJob.NewReplica();
        var recipe = replica.Recipe;
        var random = new Random(5);
        foreach (ref var value in replica.Gradients)
            value = gradient * (random.NextSingle() - 0.5f);
        var parameters = replica.ParameterData.ToArray();
        var first = new float[parameters.Length];
        var second = new float[parameters.Length];

        for (var step = 0; step < 3; step++)
        {
            Expect(recipe, step, size, Decayed(replica.Layout), parameters, replica.Gradients[..^1], first, second);
            replica.ApplyUpdate(step, Math.Sqrt(replica.SquaredNorm(size)) / size, size);
        }

        replica.Step.ShouldBe(3);
        replica.ParameterData.ToArray().ShouldBe(parameters);
        replica.FirstMoment.ToArray().ShouldBe(first);
        replica.SecondMoment.ToArray().ShouldBe(second);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_gradient_that_is_not_finite_changes_nothing(float poison)
    {
        using var replica = TinyJob.NewReplica();
        replica.Gradients[17] = poison;
        var digest = replica.Digest();

        Should.Throw<NonFiniteGradientException>(() => replica.ApplyUpdate(0, Math.Sqrt(replica.SquaredNorm(1)), 1)).Step.ShouldBe(0);

        replica.Digest().ShouldBe(digest);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_step_out_of_turn_is_refused(long step)
    {
        using var replica = TinyJob.NewReplica();
        TinyJob.Train(replica, 1);

        Should.Throw<InvalidOperationException>(() => replica.ApplyUpdate(step, 1.0, 1))
            .Message.ShouldBe($"Step {step} cannot be applied to a replica that has completed 1 steps.");
    }

    [Fact]
    public void The_learning_rate_rises_over_the_warm_up_and_stays()
    {
        var recipe = TinyJob.Recipe with { LearningRate = 4f, WarmupSteps = 4 };

        Enumerable.Range(0, 6).Select(step => recipe.LearningRateAt(step)).ShouldBe([1f, 2f, 3f, 4f, 4f, 4f]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void An_update_of_many_pieces_has_the_bits_of_an_update_in_one(int length)
    {
        var random = new Random(3);
        float[][] whole = [.. Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, 200).Select(_ => random.NextSingle()).ToArray())];
        float[][] pieces = [.. whole.Select(values => values.ToArray())];
        var step = AdamWStep.Of(TinyJob.Recipe, step: 4, norm: 2.0, ranks: 3);

        AdamW.Update(step, decayed: true, whole[0], whole[1], whole[2], whole[3]);
        for (var start = 0; start < 200; start += length)
        {
            var end = Math.Min(200, start + length);
            AdamW.Update(step, true, pieces[0].AsSpan()[start..end], pieces[1].AsSpan()[start..end], pieces[2].AsSpan()[start..end], pieces[3].AsSpan()[start..end]);
        }

        pieces.ShouldBe(whole);
    }

    private static bool[] Decayed(ParameterLayout layout)
    {
        var decayed = new bool[layout.FlatLength];
        foreach (var slot in layout.Slots.Where(slot => slot.Dimensions.Count > 1))
            Array.Fill(decayed, true, slot.Offset, slot.Count);
        return decayed;
    }

    private static void Expect(
        TrainingRecipe recipe, int step, int size, bool[] decayed, float[] parameters, ReadOnlySpan<float> gradients, float[] first, float[] second)
    {
        var norm = Math.Sqrt(gradients.ToArray().Sum(value => (double)value * value)) / size;
        var scale = (float)((norm > recipe.ClipNorm ? recipe.ClipNorm / norm : 1.0) / size);
        var rate = recipe.LearningRateAt(step);
        for (var i = 0; i < parameters.Length; i++)
        {
            var gradient = gradients[i] * scale;
            first[i] = first[i] * recipe.Beta1 + gradient * (1f - recipe.Beta1);
            second[i] = second[i] * recipe.Beta2 + gradient * gradient * (1f - recipe.Beta2);
            var direction = first[i] * (float)(1.0 / (1.0 - Math.Pow(recipe.Beta1, step + 1)))
                / (MathF.Sqrt(second[i] * (float)(1.0 / (1.0 - Math.Pow(recipe.Beta2, step + 1)))) + recipe.Epsilon);
            parameters[i] = parameters[i] - parameters[i] * (decayed[i] ? rate * recipe.WeightDecay : 0f) - direction * rate;
        }
    }
}
