using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// Replica state in a safetensors file that any reader of that format opens: every parameter under its name, its moments under
/// <c>optimizer.first_moment.</c> and <c>optimizer.second_moment.</c>; job, step, seed and checksum in the metadata. In a layout of several stages or tensor-parallel ranks each
/// holds its part, so there are as many files.
/// </summary>
public static class Checkpoint
{
    /// <summary>Name of the file that holds the part of one rank; alike for all data-parallel ranks unless the optimizer is sharded.</summary>
    /// <param name="name">Name of the whole checkpoint without extension.</param>
    /// <param name="layout">Degrees of parallelism.</param>
    /// <param name="position">Where the rank stands in them.</param>
    /// <param name="sharded">Whether the optimizer is sharded.</param>
    public static string FileName(string name, ParallelLayout layout, RankPosition position, bool sharded)
    {
        var stage = layout.Pp > 1 ? $".pp{position.Pp}" : "";
        var tensor = layout.Tp > 1 ? $".tp{position.Tp}" : "";
        var shard = sharded && layout.Dp > 1 ? $".dp{position.Dp}" : "";
        return $"{name}{stage}{tensor}{shard}.safetensors";
    }

    /// <summary>Writes a checkpoint. After a crash the file is the old one or the new one, whole.</summary>
    /// <param name="file">Path; its folder is made if need be, an existing file is replaced.</param>
    /// <param name="replica">State to write, between two steps.</param>
    /// <param name="job">Job that the state belongs to.</param>
    /// <returns>What the metadata says, checksum included.</returns>
    /// <exception cref="IOException">The file cannot be written; an existing one is untouched.</exception>
    public static CheckpointInfo Save(string file, Replica replica, string job) => Write(
        file, new CheckpointInfo(job, replica.Step, replica.Recipe.Seed, CheckpointHeader.NoChecksum), CheckpointTensors.Of(replica), use => ForEachTensor(replica, use));

    /// <summary>Verifies a checkpoint from end to end, then loads it into a replica of the same shape and seed.</summary>
    /// <param name="file">Path of the checkpoint.</param>
    /// <param name="replica">Receives parameters, moments and step; untouched if the checkpoint is refused.</param>
    /// <returns>What the metadata says.</returns>
    /// <exception cref="CheckpointException">The file is missing, torn, altered, or does not fit the replica.</exception>
    public static CheckpointInfo Load(string file, Replica replica)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
            var header = ReadHeader(file, stream);
            var info = CheckpointHeader.Read(file, header, stream.Length - stream.Position, CheckpointTensors.Of(replica));
            if (info.Seed != replica.Recipe.Seed)
                throw new CheckpointException(file, $"it was written with seed {info.Seed}, the replica has seed {replica.Recipe.Seed}");

            var data = stream.Position;
            Verify(file, stream, header, info.Checksum);
            stream.Position = data;
            replica.ForgetStoppedPasses();
            ForEachTensor(replica, stream.ReadExactly);
            replica.Step = info.Step;
            return info;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(file, $"it cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Whether a checkpoint is there, complete and unaltered.</summary>
    /// <param name="file">Path of the checkpoint.</param>
    public static bool IsWhole(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
            var header = ReadHeader(file, stream);
            Verify(file, stream, header, CheckpointHeader.ChecksumOf(file, header));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CheckpointException)
        {
            return false;
        }
    }

    private static byte[] ReadHeader(string file, Stream stream)
    {
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        stream.ReadExactly(prefix);
        var length = BitConverter.ToInt64(prefix);
        if (length is < 2 or > CheckpointHeader.MaximumLength || length > stream.Length - stream.Position)
            throw new CheckpointException(file, $"a header of {length} bytes does not fit a file of {stream.Length} bytes");
        var header = new byte[length];
        stream.ReadExactly(header);
        return header;
    }

    private static void Verify(string file, Stream stream, byte[] header, string checksum)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var blank = (byte[])header.Clone();
        CheckpointHeader.Replace(blank, checksum, CheckpointHeader.NoChecksum);
        hash.AppendData(blank);
        var buffer = new byte[1 << 20];
        for (int read; (read = stream.Read(buffer)) > 0;)
            hash.AppendData(buffer, 0, read);
        var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (actual != checksum)
            throw new CheckpointException(file, $"its content has checksum {actual}, its metadata says {checksum}");
    }

    internal delegate void TensorBytes(Span<byte> bytes);

    internal static CheckpointInfo Write(string file, CheckpointInfo info, IReadOnlyList<CheckpointTensor> tensors, Action<TensorBytes> forEach)
    {
        var header = CheckpointHeader.Write(info, tensors);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        forEach(bytes => hash.AppendData(bytes));
        var checksum = Convert.ToHexStringLower(hash.GetHashAndReset());
        CheckpointHeader.Replace(header, CheckpointHeader.NoChecksum, checksum);

        DurableFile.Write(file, stream =>
        {
            stream.Write(BitConverter.GetBytes((long)header.Length));
            stream.Write(header);
            forEach(bytes => stream.Write(bytes));
        });
        return info with { Checksum = checksum };
    }

    private static void ForEachTensor(Replica replica, TensorBytes use)
    {
        foreach (var tensor in CheckpointTensors.Of(replica))
            use(MemoryMarshal.AsBytes(tensor.In(replica)));
    }
}
