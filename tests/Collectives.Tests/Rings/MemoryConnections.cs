using System.Runtime.InteropServices;

namespace TrainMover.Collectives.Tests.Rings;

public sealed unsafe class MemoryConnections : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(1 << 20);
    private readonly OutboundEdge _outbound;
    private readonly InboundEdge _inbound;
    private readonly Waker _waker = new();

    public MemoryConnections()
    {
        (_outbound, _inbound) = MemoryEdges.Create(new Member(0, "m0", "host", 1), new Member(1, "m0", "host", 1));
        _outbound.Attach(_waker);
        _inbound.Attach(_waker);
    }

    [Fact]
    public void Many_bytes_are_read_where_they_lie_and_few_are_copied()
    {
        Send(1 << 20);
        ((nint)_inbound.Peek(long.MaxValue, 1, out var length)).ShouldBe((nint)_memory);
        length.ShouldBe(1 << 20);
        _outbound.Drained.ShouldBeFalse();
        _inbound.Consume(length);
        _outbound.Drained.ShouldBeTrue();

        Send(100);
        _outbound.Drained.ShouldBeTrue();
        ((nint)_inbound.Peek(long.MaxValue, 1, out length)).ShouldNotBe((nint)_memory);
        length.ShouldBe(100);
    }

    [Fact]
    public void What_the_writer_takes_back_is_never_read()
    {
        Send(1 << 20);
        var first = _inbound.Peek(1000, 1, out var length);
        _inbound.Consume(length);
        _outbound.Revoke();
        ((nint)_inbound.Peek(1000, 1, out length)).ShouldBe(0);
        length.ShouldBe(0);
        (first is null).ShouldBeFalse();
    }

    [Fact]
    public void Taking_back_waits_for_a_reader_in_the_middle()
    {
        Send(1 << 20);
        _inbound.Peek(1000, 1, out var length);
        using var started = new ManualResetEventSlim();
        var consumed = false;
        var waited = false;
        var thread = new Thread(() =>
        {
            started.Set();
            _outbound.Revoke();
            waited = Volatile.Read(ref consumed);
        });
        thread.Start();
        started.Wait(Soon).ShouldBeTrue();
        for (var turn = 0; turn < 1000; turn++)
            Thread.Yield();
        Volatile.Write(ref consumed, true);
        _inbound.Consume(length);
        thread.Join(Soon).ShouldBeTrue();
        waited.ShouldBeTrue();
    }

    [Fact]
    public void A_new_generation_begins_clean_after_a_call_that_failed_in_the_middle()
    {
        Send(1 << 20);
        _inbound.Peek(1000, 1, out var length);
        _inbound.Consume(length);
        _outbound.Revoke();
        Resynchronization.Run([_outbound], [_inbound], 2, _waker, () => false, Soon);

        _memory[0] = 7;
        Send(1000, generation: 2);
        _inbound.Header.Generation.ShouldBe(2);
        var arrived = stackalloc byte[1000];
        _inbound.Receive(arrived, 1000).ShouldBe(1000);
        ((int)arrived[0]).ShouldBe(7);
        _inbound.PayloadLeft.ShouldBe(0);
    }

    [Fact]
    public void An_end_that_is_closed_is_a_fault_for_the_other_one()
    {
        _inbound.Dispose();
        _outbound.Begin(new RingFrame { Magic = RingFrame.ExpectedMagic, Length = 10 });
        Should.Throw<RingFault>(() => _outbound.Send(_memory, 10, out _)).Suspect!.Rank.ShouldBe(1);
    }

    [Fact]
    public void What_was_sent_before_the_writer_closed_is_still_read()
    {
        Send(100);
        _outbound.Dispose();
        var arrived = stackalloc byte[100];
        _inbound.Receive(arrived, 100).ShouldBe(100);
        _inbound.Begin(0);
        Should.Throw<RingFault>(() => _inbound.ReceiveHeader()).Suspect!.Rank.ShouldBe(0);
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _inbound.Dispose();
        _waker.Dispose();
        NativeMemory.Free(_memory);
    }

    /// <summary>Sends a frame of zeros, of which the reader takes the header.</summary>
    private void Send(long bytes, int generation = 1)
    {
        _outbound.Begin(new RingFrame { Magic = RingFrame.ExpectedMagic, Generation = generation, Length = bytes });
        _outbound.Send(_memory, bytes, out var sent).ShouldBeTrue();
        sent.ShouldBe(bytes);
        _inbound.Begin(bytes);
        _inbound.ReceiveHeader().ShouldBeTrue();
    }
}
