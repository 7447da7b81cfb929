namespace TrainMover.Collectives;

/// <summary>Why a generation ended; the first cause on this rank.</summary>
/// <param name="Kind">How it was noticed here.</param>
/// <param name="SuspectRank">Rank that is held to be the cause, where one is known; the lowest of the machine when it is the machine.</param>
/// <param name="SuspectMachine">Machine that is held to be the cause.</param>
/// <param name="Detail">A sentence for people.</param>
/// <param name="AtMonotonic">When it was noticed here, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> (ns on Linux, one clock per host).</param>
public sealed record GroupFailure(FailureKind Kind, int? SuspectRank, string? SuspectMachine, string Detail, long AtMonotonic);
