using TorchSharp;

namespace TrainMover.Training.Tests;

public class ReplicaTests
{
    [Fact]
    public void The_default_model_has_more_than_a_million_parameters()
    {
        using var replica = new Replica(new ModelShape(), TinyJob.Recipe);

        replica.Parameters.ShouldBe(1_032_576);
        replica.ParameterData.Length.ShouldBe(1_032_576);
        replica.Gradients.Length.ShouldBe(1_032_577);
    }

    [Fact]
    public void The_loss_falls_over_thirty_steps_on_real_text()
    {
        using var replica = new Replica(TinyJob.Shape, TinyJob.Recipe with { BatchPerRank = 16, LearningRate = 3e-3f });

        var losses = TinyJob.Train(replica, 30);

        losses[0].ShouldBeInRange(5.4f, 5.7f);
        losses[^5..].Average().ShouldBeLessThan(losses[0] - 1.5f);
    }

    [Fact]
    public void Two_replicas_of_one_seed_stay_bit_equal_and_another_seed_differs()
    {
        using var one = TinyJob.NewReplica();
        using var twin = TinyJob.NewReplica();
        using var stranger = TinyJob.NewReplica(seed: 8);

        stranger.Digest().ShouldNotBe(one.Digest());
        twin.Digest().ShouldBe(one.Digest());
        TinyJob.Train(twin, 4).ShouldBe(TinyJob.Train(one, 4));
        twin.Digest().ShouldBe(one.Digest());
        twin.DigestOfGradients().ShouldBe(one.DigestOfGradients());
    }

    [Fact]
    public void The_digest_covers_parameters_moments_and_step()
    {
        using var replica = TinyJob.NewReplica();
        var digests = new List<string> { replica.Digest() };
        replica.ParameterData[^1] += 1f;
        digests.Add(replica.Digest());
        replica.FirstMoment[0] += 1f;
        digests.Add(replica.Digest());
        replica.SecondMoment[0] += 1f;
        digests.Add(replica.Digest());
        replica.Step = 1;
        digests.Add(replica.Digest());

        digests.Distinct().Count().ShouldBe(5);
    }

    [Fact]
    public void The_gradient_buffer_holds_what_backward_computes()
    {
        using var replica = new Replica(TinyJob.Shape with { Dropout = 0f }, TinyJob.Recipe);
        var slot = replica.Layout["blocks.0.mlp.up.weight"];
        var loss = replica.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone);
        replica.Gradients[^1].ShouldBe(loss);

        var gradients = replica.Gradients.Slice(slot.Offset, slot.Count).ToArray();
        var steepest = Array.IndexOf(gradients, gradients.MaxBy(MathF.Abs));
        const float Nudge = 0.02f;
        replica.ParameterData[slot.Offset + steepest] += Nudge;
        var above = replica.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone);
        replica.ParameterData[slot.Offset + steepest] -= 2 * Nudge;
        var below = replica.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone);

        ((above - below) / (2 * Nudge)).ShouldBe(gradients[steepest], tolerance: MathF.Abs(gradients[steepest]) * 0.05f);
    }

    [Fact]
    public void A_state_copied_region_by_region_is_the_same_state()
    {
        using var leaver = TinyJob.NewReplica();
        using var joiner = TinyJob.NewReplica();
        TinyJob.Train(leaver, 3);
        TinyJob.Train(joiner, 1);

        CopyState(leaver, joiner);

        joiner.Digest().ShouldBe(leaver.Digest());
        TinyJob.Train(joiner, 2).ShouldBe(TinyJob.Train(leaver, 2));
        joiner.Digest().ShouldBe(leaver.Digest());
    }

    [Fact]
    public void A_retried_step_gives_the_same_gradients()
    {
        using var replica = TinyJob.NewReplica();
        TinyJob.Train(replica, 1);
        replica.ForwardBackward(TinyJob.Text, replica.Step, ThreadGroups.Alone);
        var digest = replica.DigestOfGradients();
        replica.Gradients.Fill(float.NaN);

        replica.ForwardBackward(TinyJob.Text, replica.Step, ThreadGroups.Alone);

        replica.DigestOfGradients().ShouldBe(digest);
    }

    [Fact]
    public void No_tensor_stays_behind_over_two_hundred_steps_and_the_update_allocates_nothing()
    {
        using var replica = TinyJob.NewReplica();
        TinyJob.Train(replica, 3);
        var tensors = torch.Tensor.TotalCount;

        TinyJob.Train(replica, 200);

        torch.Tensor.TotalCount.ShouldBe(tensors);
        replica.ForwardBackward(TinyJob.Text, replica.Step, ThreadGroups.Alone);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        replica.ApplyUpdate(replica.Step, 1.0, 1);
        (GC.GetAllocatedBytesForCurrentThread() - allocated).ShouldBe(0);
    }

    [Fact]
    public void Disposing_a_replica_frees_every_tensor()
    {
        var tensors = torch.Tensor.TotalCount;
        using (var replica = TinyJob.NewReplica())
            TinyJob.Train(replica, 1);

        torch.Tensor.TotalCount.ShouldBe(tensors);
    }

    [Theory]
    [InlineData(0, 128, 4, 64, 0.1f, "layers must be 1 to 96, not 0")]
    [InlineData(1, 120, 4, 64, 0.1f, "width must be a multiple of 16 and of the 4 heads, not 120")]
    [InlineData(1, 128, 3, 64, 0.1f, "width must be a multiple of 16 and of the 3 heads, not 128")]
    [InlineData(1, 128, 4, 1, 0.1f, "context must be 2 to 8192 bytes, not 1")]
    [InlineData(1, 128, 4, 64, 1f, "dropout must be in [0, 1), not 1")]
    public void A_shape_out_of_range_is_refused_with_the_rule(int layers, int width, int heads, int context, float dropout, string rule) =>
        Should.Throw<ArgumentException>(() => new ModelShape(layers, width, heads, context, dropout).Validate()).Message.ShouldContain(rule);

    internal static unsafe void CopyState(Replica from, Replica to)
    {
        foreach (var (source, target) in from.MomentRegions.Append(from.ParameterRegion).Zip(to.MomentRegions.Append(to.ParameterRegion)))
            Buffer.MemoryCopy((void*)source.Address, (void*)target.Address, target.Length, source.Length);
        to.Step = from.Step;
    }
}
