using System.Runtime.InteropServices;

namespace TrainMover.Collectives.Tests.Migrations;

public sealed class StateTransfers : IDisposable
{
    private readonly List<nint> _allocations = [];

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public Task State_moves_from_the_leaver_or_a_stayer_to_the_joiner(int source) => RunAsync(async cluster =>
    {
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        var sent = Regions(5_000_003, 0, 17);
        var received = Regions(5_000_003, 0, 17);
        Fill(sent);
        var moved = await Task.WhenAll(
            prepared[source].SendStateAsync("m3", 0, sent, Cluster.Deadline()),
            prepared[3].ReceiveStateAsync($"m{source}", 0, received, Cluster.Deadline())).WaitAsync(Cluster.Patience);
        moved.ShouldBe([5_000_020L, 5_000_020L]);
        Bytes(received).ShouldBe(Bytes(sent));
    });

    [Fact]
    public Task Several_streams_between_two_machines_do_not_mix() => RunAsync(async cluster =>
    {
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        var streams = Enumerable.Range(0, 5).Select(stream => (Stream: stream, Sent: Regions(200_000 + stream), Received: Regions(200_000 + stream))).ToList();
        foreach (var (stream, sent, _) in streams)
            Fill(sent, stream);
        await prepared[1].OpenStateAsync("m3", 2, Cluster.Deadline());
        var moving = streams.AsEnumerable().Reverse().Select(each => prepared[1].SendStateAsync("m3", each.Stream, each.Sent, Cluster.Deadline()))
            .Concat(streams.Select(each => prepared[3].ReceiveStateAsync("m1", each.Stream, each.Received, Cluster.Deadline())));
        await Task.WhenAll(moving).WaitAsync(Cluster.Patience);

        foreach (var (_, sent, received) in streams)
            Bytes(received).ShouldBe(Bytes(sent));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => prepared[1].SendStateAsync("m3", -1, streams[0].Sent, Cluster.Deadline()));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => prepared[3].ReceiveStateAsync("m1", 256, streams[0].Received, Cluster.Deadline()));
    });

    [Fact]
    public Task Other_lengths_are_refused_on_both_sides() => RunAsync(async cluster =>
    {
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        var sending = prepared[1].SendStateAsync("m3", 0, Regions(100), Cluster.Deadline());
        var receiving = prepared[3].ReceiveStateAsync("m1", 0, Regions(101), Cluster.Deadline());
        await Should.ThrowAsync<GroupSetupException>(() => receiving);
        await Should.ThrowAsync<GroupSetupException>(() => sending);
    });

    [Fact]
    public Task A_sender_that_dies_is_replaced_by_another() => RunAsync(async cluster =>
    {
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        using var gone = new CancellationTokenSource();
        var fromLeaver = prepared[3].ReceiveStateAsync("m1", 0, Regions(1000), gone.Token);
        cluster.Endpoints[1].Sever();
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => fromLeaver);

        var sent = Regions(1000);
        var received = Regions(1000);
        Fill(sent);
        await Task.WhenAll(
            prepared[0].SendStateAsync("m3", 0, sent, Cluster.Deadline()),
            prepared[3].ReceiveStateAsync("m0", 0, received, Cluster.Deadline())).WaitAsync(Cluster.Patience);
        Bytes(received).ShouldBe(Bytes(sent));
    });

    public unsafe void Dispose() => _allocations.ForEach(address => NativeMemory.Free((void*)address));

    private static async Task RunAsync(Func<Cluster, Task> test)
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        await test(cluster);
    }

    private unsafe List<MemoryRegion> Regions(params int[] lengths) => [.. lengths.Select(length =>
    {
        var address = (nint)NativeMemory.AllocZeroed((nuint)Math.Max(1, length));
        _allocations.Add(address);
        return new MemoryRegion(address, length);
    })];

    private static unsafe void Fill(List<MemoryRegion> regions, int seed = 0)
    {
        foreach (var region in regions)
        {
            for (var index = 0; index < region.Length; index++)
                ((byte*)region.Address)[index] = (byte)((index * 31) + seed);
        }
    }

    private static unsafe string Bytes(List<MemoryRegion> regions) => string.Join(
        ' ',
        regions.Select(region => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(new ReadOnlySpan<byte>((void*)region.Address, (int)region.Length)))));
}
