using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives.Tests.Rings;

public sealed unsafe class LentPages : IDisposable
{
    private const int Length = 4 * 1024 * 1024;
    private static readonly int Page = Environment.SystemPageSize;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly Registered _memory = new(Length + (2 * Page));
    private readonly byte[] _arrived = GC.AllocateArray<byte>(Length, pinned: true);
    private readonly OutboundEdge _outbound;
    private readonly InboundEdge _inbound;
    private readonly Waker _waker = new();
    private byte* _buffer;
    private long _sent;

    public LentPages()
    {
        var (dialed, accepted) = Connect();
        _outbound = new TcpOutboundEdge(dialed, new Member(1, "m1", "host", 1), GroupKind.DataParallel);
        _inbound = new TcpInboundEdge(accepted, new Member(0, "m0", "host", 1));
        Fill(_memory.Bytes, 1);
    }

    [Fact]
    public void Registered_memory_is_the_senders_again_when_its_reader_has_all_of_it()
    {
        Begin(_memory.First);
        ReadAllBut(1);
        _outbound.FrameDone.ShouldBeTrue();
        _outbound.Collect().ShouldBeFalse();
        _outbound.Drained.ShouldBeFalse();
        _outbound.Released.ShouldBe(0);

        ReadAllBut(0);
        Collect();
        _outbound.Drained.ShouldBeTrue();
        _outbound.Released.ShouldBe(Length);
        _arrived.AsSpan().SequenceEqual(Filled(1)).ShouldBeTrue();
    }

    [Fact]
    public void Whole_pages_are_lent_and_what_shares_a_page_with_others_is_copied()
    {
        // What is changed too early shows what was copied before.
        var first = _memory.First + 100;
        Begin(first);
        SendWhatGoes();
        _sent.ShouldBeGreaterThan(Page);
        Fill(_memory.Bytes, 2);
        ReadAllBut(0);
        var head = Page - 100;
        _arrived.AsSpan(0, head).SequenceEqual(Filled(1).AsSpan(100, head)).ShouldBeTrue();
        _arrived.AsSpan(head, Page).SequenceEqual(Filled(2).AsSpan(100 + head, Page)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(RingFrameKind.AllGather)]
    [InlineData(RingFrameKind.Broadcast)]
    [InlineData(RingFrameKind.AllReduceSum)]
    [InlineData(RingFrameKind.ReduceScatter)]
    internal void What_a_failed_call_left_under_way_is_not_changed_by_what_its_sender_does_next(RingFrameKind kind)
    {
        Begin(_memory.First + 100, kind: kind);
        SendWhatGoes();
        _outbound.Revoke();

        // Of a sum that failed nobody needs the bytes.
        if (kind is RingFrameKind.AllGather or RingFrameKind.Broadcast)
            _memory.Bytes[100..(Length + 100)].SequenceEqual(Filled(1, Length + 100).AsSpan(100)).ShouldBeTrue();
        _outbound.Drained.ShouldBeTrue();
        Fill(_memory.Bytes, 2);

        ReadAllBut(Length - _sent, sending: false);
        _arrived.AsSpan(0, (int)_sent).SequenceEqual(Filled(1, Length + 100).AsSpan(100, (int)_sent)).ShouldBeTrue();
    }

    [Fact]
    public void A_new_generation_begins_clean_after_a_call_that_failed_in_the_middle()
    {
        Begin(_memory.First);
        SendWhatGoes();
        _outbound.Revoke();
        Resynchronization.Run([_outbound], [_inbound], 2, _waker, () => false, Soon);

        Fill(_memory.Bytes, 3);
        Begin(_memory.First, generation: 2);
        ReadAllBut(0);
        Collect();
        _arrived.AsSpan().SequenceEqual(Filled(3)).ShouldBeTrue();
    }

    [Fact]
    public void A_receipt_for_a_call_that_failed_here_is_none_for_the_next_one()
    {
        Begin(_memory.First);
        ReadAllBut(0);
        _outbound.Revoke();
        Resynchronization.Run([_outbound], [_inbound], 2, _waker, () => false, Soon);

        Begin(_memory.First, generation: 2);
        ReadAllBut(1);
        _outbound.Collect().ShouldBeTrue();
        _outbound.Drained.ShouldBeFalse();
        ReadAllBut(0);
        Collect();
        _outbound.Drained.ShouldBeTrue();
    }

    [Fact]
    public void Memory_that_is_not_registered_any_more_is_copied()
    {
        _memory.Unregister();
        Begin(_memory.First);
        _outbound.Drained.ShouldBeTrue();
        SendWhatGoes();
        _outbound.Released.ShouldBe(_sent);
        Fill(_memory.Bytes, 2);
        ReadAllBut(Length - _sent, sending: false);
        _arrived.AsSpan(0, (int)_sent).SequenceEqual(Filled(1).AsSpan(0, (int)_sent)).ShouldBeTrue();
    }

    [Fact]
    public void An_end_that_is_gone_is_a_fault_for_who_waits_for_its_receipt()
    {
        Begin(_memory.First);
        ReadAllBut(1);
        _inbound.Dispose();
        Should.Throw<RingFault>(() => SpinWait.SpinUntil(() => _outbound.Collect(), Soon)).Suspect!.Rank.ShouldBe(1);
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _inbound.Dispose();
        _waker.Dispose();
        _memory.Dispose();
    }

    private static (Socket Dialed, Socket Accepted) Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var dialed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        dialed.Connect(listener.LocalEndPoint!);
        return (dialed, listener.Accept());
    }

    private static void Fill(Span<byte> bytes, int with)
    {
        for (var index = 0; index < bytes.Length; index++)
            bytes[index] = (byte)((index / 251) + with);
    }

    private static byte[] Filled(int with, int length = Length)
    {
        var bytes = new byte[length];
        Fill(bytes, with);
        return bytes;
    }

    private void Begin(byte* buffer, int generation = 1, RingFrameKind kind = RingFrameKind.AllGather)
    {
        _buffer = buffer;
        _sent = 0;
        _outbound.Begin(new RingFrame { Magic = RingFrame.ExpectedMagic, Generation = generation, Kind = kind, Sequence = 1, Length = Length }, buffer, Length);
        _inbound.Begin(Length);
        Until(() =>
        {
            SendSome();
            _inbound.ReceiveHeader();
            return _inbound.HeaderDone;
        });
    }

    private bool SendSome()
    {
        if (_outbound.FrameDone)
            return false;
        var moved = _outbound.Send(_buffer + _sent, Length - _sent, out var sent);
        _sent += sent;
        return moved;
    }

    private void SendWhatGoes()
    {
        while (SendSome())
        {
            // Until the socket takes no more.
        }
    }

    private void ReadAllBut(long left, bool sending = true) => Until(() =>
    {
        if (sending)
            SendSome();
        fixed (byte* arrived = _arrived)
            _inbound.Receive(arrived + Length - _inbound.PayloadLeft, _inbound.PayloadLeft - left);
        return _inbound.PayloadLeft == left;
    });

    private void Collect() => Until(() =>
    {
        _outbound.Collect();
        return _outbound.Drained;
    });

    private static void Until(Func<bool> done) => SpinWait.SpinUntil(done, Soon).ShouldBeTrue();
}
