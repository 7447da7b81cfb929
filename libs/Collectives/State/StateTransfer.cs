using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// Native memory over a connection of its own, straight from and to where it lies: number and lengths of the regions, their bytes, and the receiver's word that it has them.
/// </summary>
internal static unsafe class StateTransfer
{
    private const long Magic = 0x31545453_4D54;
    private const int MostRegions = 1 << 20;

    public static long Send(Socket socket, IReadOnlyList<MemoryRegion> regions, TimeSpan patience)
    {
        var header = new long[2 + regions.Count];
        (header[0], header[1]) = (Magic, regions.Count);
        for (var index = 0; index < regions.Count; index++)
            header[2 + index] = regions[index].Length;
        fixed (long* first = header)
            Wire.Send(socket, (byte*)first, header.Length * sizeof(long), patience);

        var total = 0L;
        foreach (var region in regions)
        {
            Wire.Send(socket, (byte*)region.Address, region.Length, patience);
            total += region.Length;
        }

        long acknowledged;
        Wire.Receive(socket, (byte*)&acknowledged, sizeof(long), patience);
        if (acknowledged != total)
            throw new IOException($"the receiver has {acknowledged} of {total} bytes");
        return total;
    }

    public static long Receive(Socket socket, IReadOnlyList<MemoryRegion> regions, TimeSpan patience)
    {
        var start = stackalloc long[2];
        Wire.Receive(socket, (byte*)start, 2 * sizeof(long), patience);
        if (start[0] != Magic || start[1] is < 0 or > MostRegions)
            throw new IOException("what came is no state");
        var lengths = new long[start[1]];
        fixed (long* first = lengths)
            Wire.Receive(socket, (byte*)first, lengths.Length * sizeof(long), patience);
        if (!lengths.SequenceEqual(regions.Select(region => region.Length)))
            throw new IOException("the sender's regions have other lengths than the receiver's");

        foreach (var region in regions)
            Wire.Receive(socket, (byte*)region.Address, region.Length, patience);
        var total = lengths.Sum();
        Wire.Send(socket, (byte*)&total, sizeof(long), patience);
        return total;
    }
}
