using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace TrainMover.Training.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Replica _replica = TinyJob.NewReplica();

    private string CheckpointFile => _folder["step.safetensors"];

    public void Dispose()
    {
        _replica.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Training_resumed_from_a_checkpoint_is_bit_identical()
    {
        TinyJob.Train(_replica, 3);
        var saved = Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        var losses = TinyJob.Train(_replica, 3);
        using var resumed = TinyJob.NewReplica();

        Checkpoint.Load(CheckpointFile, resumed).ShouldBe(saved);

        resumed.Step.ShouldBe(3);
        TinyJob.Train(resumed, 3).ShouldBe(losses);
        resumed.Digest().ShouldBe(_replica.Digest());
    }

    [Fact]
    public void A_checkpoint_is_a_safetensors_file_without_gaps()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);

        var bytes = File.ReadAllBytes(CheckpointFile);
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        var metadata = header.RootElement.GetProperty("__metadata__");
        metadata.GetProperty("job").GetString().ShouldBe(TinyJob.Name);
        metadata.GetProperty("step").GetString().ShouldBe("0");
        metadata.GetProperty("seed").GetString().ShouldBe("7");
        (headerLength % 8).ShouldBe(0);
        var end = 0L;
        foreach (var tensor in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            var offsets = tensor.Value.GetProperty("data_offsets");
            offsets[0].GetInt64().ShouldBe(end);
            end = offsets[1].GetInt64();
            (end - offsets[0].GetInt64()).ShouldBe(4 * tensor.Value.GetProperty("shape").EnumerateArray().Aggregate(1L, (product, size) => product * size.GetInt64()));
        }

        (8 + headerLength + end).ShouldBe(bytes.Length);
        var gain = header.RootElement.GetProperty("norm.gain").GetProperty("data_offsets")[0].GetInt32();
        BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(8 + headerLength + gain)).ShouldBe(1f);
    }

    [Fact]
    public void Saving_again_replaces_the_file_and_leaves_nothing_beside_it()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        TinyJob.Train(_replica, 1);
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        using var loaded = TinyJob.NewReplica();

        Checkpoint.Load(CheckpointFile, loaded).Step.ShouldBe(1);

        Directory.GetFileSystemEntries(_folder.Path).ShouldBe([CheckpointFile]);
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_alone()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        var before = File.ReadAllBytes(CheckpointFile);

        Should.Throw<IOException>(() => DurableFile.Write(CheckpointFile, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("no space");
        })).Message.ShouldBe("no space");

        File.ReadAllBytes(CheckpointFile).ShouldBe(before);
        Directory.GetFileSystemEntries(_folder.Path).ShouldBe([CheckpointFile]);
    }

    [Fact]
    public void A_checkpoint_with_any_byte_changed_is_refused_and_the_replica_is_untouched()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        var whole = File.ReadAllBytes(CheckpointFile);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(whole);
        var digest = _replica.Digest();
        var random = new Random(3);
        var positions = Enumerable.Range(0, 8 + Math.Min(header, 300))
            .Concat(Enumerable.Range(0, 60).Select(_ => random.Next(8, 8 + header)))
            .Concat(Enumerable.Range(0, 60).Select(_ => random.Next(8 + header, whole.Length)))
            .Append(whole.Length - 1);

        foreach (var position in positions)
        {
            var altered = (byte[])whole.Clone();
            altered[position] ^= 0x01;
            Refuse(altered);
            _replica.Digest().ShouldBe(digest, $"byte {position}");
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.0001)]
    [InlineData(0.01)]
    [InlineData(0.5)]
    [InlineData(0.99999)]
    public void A_torn_checkpoint_is_refused(double share)
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        var whole = File.ReadAllBytes(CheckpointFile);

        Refuse(whole[..(int)(whole.Length * share)]);
    }

    [Fact]
    public void Bytes_after_the_end_are_refused()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);

        Refuse([.. File.ReadAllBytes(CheckpointFile), 0]).ShouldContain("bytes of tensor data instead of");
    }

    [Fact]
    public void A_missing_checkpoint_is_refused() =>
        Should.Throw<CheckpointException>(() => Checkpoint.Load(_folder["absent"], _replica)).Reason.ShouldStartWith("it cannot be read");

    [Fact]
    public void A_checkpoint_of_another_seed_is_refused()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        using var other = TinyJob.NewReplica(seed: 8);

        Should.Throw<CheckpointException>(() => Checkpoint.Load(CheckpointFile, other)).Reason.ShouldBe("it was written with seed 7, the replica has seed 8");
    }

    [Fact]
    public void A_checkpoint_of_another_shape_is_refused()
    {
        Checkpoint.Save(CheckpointFile, _replica, TinyJob.Name);
        using var wider = new Replica(TinyJob.Shape with { Width = 64 }, TinyJob.Recipe);
        using var shallower = new Replica(TinyJob.Shape with { Layers = 1 }, TinyJob.Recipe);

        Should.Throw<CheckpointException>(() => Checkpoint.Load(CheckpointFile, wider)).Reason.ShouldStartWith("tensor embedding.token is not F32 [256, 64]");
        Should.Throw<CheckpointException>(() => Checkpoint.Load(CheckpointFile, shallower));
    }

    [Fact]
    public void A_job_named_like_a_checksum_does_no_harm()
    {
        var name = new string('0', 64);
        Checkpoint.Save(CheckpointFile, _replica, name);

        Checkpoint.Load(CheckpointFile, _replica).Job.ShouldBe(name);
        Encoding.UTF8.GetString(File.ReadAllBytes(CheckpointFile).AsSpan(8, 300)).ShouldContain(name);
    }

    private string Refuse(byte[] content)
    {
        File.WriteAllBytes(CheckpointFile, content);
        return Should.Throw<CheckpointException>(() => Checkpoint.Load(CheckpointFile, _replica)).Reason;
    }
}
