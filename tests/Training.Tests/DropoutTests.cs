using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training.Tests;

public class DropoutTests
{
    [Fact]
    public void A_mask_keeps_the_asked_share_and_scales_what_it_keeps()
    {
        using var masks = new DropoutMasks(batch: 64, CPU);
        var drop = masks.Add(0, 0.25f, [1024]);
        masks.Draw(seed: 1, step: 0, firstSequence: 0);

        var values = Values(drop);

        values.Distinct().Order().ShouldBe([0f, 4f / 3f]);
        (values.Count(value => value == 0f) / (double)values.Length).ShouldBeInRange(0.24, 0.26);
    }

    [Fact]
    public void A_mask_is_a_function_of_seed_step_sequence_and_site()
    {
        using var masks = new DropoutMasks(batch: 8, CPU);
        Func<Tensor, Tensor>[] sites = [masks.Add(0, 0.5f, [64]), masks.Add(1, 0.5f, [64])];
        float[] Drawn(ulong seed, long step, int firstSequence, int site)
        {
            masks.Draw(seed, step, firstSequence);
            return Values(sites[site]);
        }

        var drawn = Drawn(1, 2, 3, 0);

        Drawn(1, 2, 3, 0).ShouldBe(drawn);
        Drawn(9, 2, 3, 0).ShouldNotBe(drawn);
        Drawn(1, 9, 3, 0).ShouldNotBe(drawn);
        Drawn(1, 2, 9, 0).ShouldNotBe(drawn);
        Drawn(1, 2, 3, 1).ShouldNotBe(drawn);
        Drawn(1, 2, 4, 0)[..(7 * 64)].ShouldBe(drawn[64..]);
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

        with.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone).ShouldNotBe(without.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone));
    }

    private static float[] Values(Func<Tensor, Tensor> drop)
    {
        using var ones = torch.ones(1);
        using var mask = drop(ones);
        return mask.data<float>().ToArray();
    }
}
