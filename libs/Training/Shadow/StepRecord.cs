using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>One collective of a recorded step.</summary>
/// <param name="Index">Position among the step's collectives on the group, from 0.</param>
/// <param name="Operation">What was called, for instance <c>all-reduce sum</c> or <c>broadcast from 0</c>.</param>
/// <param name="Length">Bytes of the buffer that the call was given.</param>
/// <param name="InputDigest">SHA-256 of what this rank sent.</param>
/// <param name="Output">What the call left in the buffer; empty for a barrier.</param>
public sealed record RecordedCall(int Index, string Operation, long Length, string InputDigest, ReadOnlyMemory<byte> Output);

/// <summary>What was called on one group of the recorded rank.</summary>
/// <param name="Role">What the group is to the rank.</param>
/// <param name="Rank">The rank's place in the group.</param>
/// <param name="Size">Number of ranks of the group.</param>
/// <param name="Calls">The step's collectives on it in order.</param>
public sealed record RecordedGroup(GroupRole Role, int Rank, int Size, IReadOnlyList<RecordedCall> Calls);

/// <summary>
/// One step of one rank as it really happened in the job: the output of every collective that reached beyond its machine, and what a shadow iteration is compared with
/// (paper: communication-free sandboxed shadow iteration). Zeros or dummies in place of outputs would lead to NaN and failed assertions.
/// </summary>
/// <param name="Job">Job that was recorded.</param>
/// <param name="Rank">Rank that was recorded.</param>
/// <param name="Layout">The job's layout.</param>
/// <param name="Step">Step that was recorded, from 0.</param>
/// <param name="Seed">Seed of the job.</param>
/// <param name="LossBits">Bits of the group's mean loss.</param>
/// <param name="GradientsDigest"><see cref="Replica.DigestOfGradients"/> after the reduction.</param>
/// <param name="UpdatedDigest"><see cref="Replica.Digest"/> after the update.</param>
/// <param name="Groups">The groups that were recorded, ordered by role.</param>
public sealed record StepRecord(
    string Job, int Rank, ParallelLayout Layout, long Step, ulong Seed, uint LossBits, string GradientsDigest, string UpdatedDigest, IReadOnlyList<RecordedGroup> Groups)
{
    /// <summary>Writes the record into a folder that is whole or absent after a crash; an existing one is replaced. Outputs are shared with the records beside it.</summary>
    /// <param name="folder">Folder of this one record.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Save(string folder) => StepRecordFolder.Write(this, folder);

    /// <summary>Reads a record and verifies every byte of it.</summary>
    /// <param name="folder">Folder that <see cref="Save"/> wrote.</param>
    /// <exception cref="StepRecordException">The record is missing, truncated or corrupt.</exception>
    public static StepRecord Load(string folder) => StepRecordFolder.Read(folder);
}

/// <summary>A record is missing, truncated or corrupt, and nobody may be compared with it.</summary>
/// <param name="folder">Folder of the record.</param>
/// <param name="reason">What is wrong with it.</param>
/// <param name="cause">The underlying error, if there is one.</param>
public sealed class StepRecordException(string folder, string reason, Exception? cause = null) : Exception($"Record {folder}: {reason}.", cause)
{
    /// <summary>What is wrong with the record.</summary>
    public string Reason { get; } = reason;
}
