using System.Diagnostics;
using System.Text;

namespace TrainMover.Collectives;

/// <summary>A failure as it travels to the other members.</summary>
internal static class FailureNotice
{
    private const int LongestDetail = 2000;

    public static byte[] Encode(GroupFailure failure)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write((int)failure.Kind);
        writer.Write(failure.SuspectRank ?? -1);
        writer.Write(failure.SuspectMachine ?? "");
        writer.Write(failure.Detail.Length > LongestDetail ? failure.Detail[..LongestDetail] : failure.Detail);
        return buffer.ToArray();
    }

    /// <summary>The failure as the receiver records it: reported by the peer, with the peer's suspect.</summary>
    public static GroupFailure Decode(byte[] payload, string reporter)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(payload), Encoding.UTF8);
            var kind = (FailureKind)reader.ReadInt32();
            var rank = reader.ReadInt32();
            var machine = reader.ReadString();
            var detail = reader.ReadString();
            var cause = kind == FailureKind.ReportedByPeer ? detail : $"{reporter} reports {kind}: {detail}";
            return new GroupFailure(FailureKind.ReportedByPeer, rank < 0 ? null : rank, machine.Length == 0 ? null : machine, cause, Stopwatch.GetTimestamp());
        }
        catch (Exception garbled) when (garbled is IOException or ArgumentException or FormatException)
        {
            return new GroupFailure(FailureKind.ReportedByPeer, null, null, $"{reporter} reports a failure.", Stopwatch.GetTimestamp());
        }
    }
}
