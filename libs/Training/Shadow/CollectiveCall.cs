using System.Security.Cryptography;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>How collectives are named in a record.</summary>
internal static class CollectiveCall
{
    public const string AllGather = "all-gather";
    public const string Barrier = "barrier";
    public const string GatherParts = "all-gather in place";
    public const string ReduceScatter = "reduce-scatter";
    public const string Shift = "shift";

    public static string AllReduce(ReduceOperation operation) => operation switch
    {
        ReduceOperation.Sum => "all-reduce sum",
        ReduceOperation.Min => "all-reduce min",
        ReduceOperation.Max => "all-reduce max",
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not a reduce operation."),
    };

    public static string Broadcast(int root) => $"broadcast from {root}";

    public static string DigestOf(ReadOnlySpan<byte> input) => Convert.ToHexStringLower(SHA256.HashData(input));
}
