using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training.Tests;

public class DropoutTests
{
    [Fact]
    public void A_mask_keeps_the_asked_share_and_scales_what_it_keeps()
    {
        using var masks = new DropoutMasks(1, [64, 1024], 0.25f, CPU);
        masks.Draw(seed: 1, step: 0, rank: 0);

        var values = Values(masks, 0);

        values.Distinct().Order().ShouldBe([0f, 4f / 3f]);
        (values.Count(value => value == 0f) / (double)values.Length).ShouldBeInRange(0.24, 0.26);
    }

    [Fact]
    public void A_mask_is_a_function_of_seed_step_rank_and_site()
    {
        using var masks = new DropoutMasks(2, [8, 64], 0.5f, CPU);
        float[] Drawn(ulong seed, long step, int rank, int site)
        {
            masks.Draw(seed, step, rank);
            return Values(masks, site);
        }

        var drawn = Drawn(1, 2, 3, 0);

        Drawn(1, 2, 3, 0).ShouldBe(drawn);
        Drawn(9, 2, 3, 0).ShouldNotBe(drawn);
        Drawn(1, 9, 3, 0).ShouldNotBe(drawn);
        Drawn(1, 2, 9, 0).ShouldNotBe(drawn);
        Drawn(1, 2, 3, 1).ShouldNotBe(drawn);
    }

    [Fact]
    public void Training_neither_reads_nor_moves_the_global_generator_of_libtorch()
    {
        using var one = TinyJob.NewReplica();
        using var other = TinyJob.NewReplica();

        random.manual_seed(1);
        var losses = TinyJob.Train(one, 3);
        using var afterTraining = rand(4);
        random.manual_seed(1);
        using var afterNothing = rand(4);
        random.manual_seed(2);
        using var consumed = rand(100);

        TinyJob.Train(other, 3).ShouldBe(losses);
        other.Digest().ShouldBe(one.Digest());
        afterTraining.data<float>().ToArray().ShouldBe(afterNothing.data<float>().ToArray());
    }

    [Fact]
    public void Dropout_changes_the_loss()
    {
        using var with = TinyJob.NewReplica();
        using var without = new Replica(TinyJob.Shape with { Dropout = 0f }, TinyJob.Recipe);

        with.ForwardBackward(TinyJob.Text, 0, 0, 1).ShouldNotBe(without.ForwardBackward(TinyJob.Text, 0, 0, 1));
    }

    private static float[] Values(DropoutMasks masks, int site)
    {
        using var ones = torch.ones(1);
        using var mask = masks.Apply(site, ones);
        return mask.data<float>().ToArray();
    }
}
