namespace TrainMover.Collectives;

/// <summary>
/// Which part of a buffer moves when over one channel's ring. A buffer of <c>chunks</c> parts travels in steps; what goes out in step s + 1 is what came in in step s, byte by
/// byte, so a step begins before the one before it has ended. Each channel has its share of every chunk; odd channels run the other way round. Depends on rank and size only.
/// </summary>
internal unsafe struct RingSchedule
{
    /// <summary>A group of two exchanges buffers up to this size whole instead of in halves: one hop instead of two.</summary>
    public const int LargestExchange = 16 * 1024;

    private const long LeastLentBroadcast = 8 * 1024 * 1024;

    public RingFrameKind Kind;

    /// <summary>Incoming steps below this one are reduced into the buffer; the others replace it.</summary>
    public int ReducedSteps;
    public int FirstOutStep;
    public int OutSteps;
    public int InSteps;

    /// <summary>Nothing may come in before all is sent: both are the same bytes, and the sum's order is that of ranks.</summary>
    public bool IsExchange;

    private CollectiveCall _call;

    // Parts of the buffer: the size of the group, or 1 when it travels as a whole.
    private int _chunks;

    // Place in the ring, the way that it runs.
    private int _position;
    private bool _reversed;

    // Chunk that goes out first, counted from the one of this position.
    private int _shift;
    private int _channel;
    private int _channels;

    /// <summary>Whether what arrives in an exchange comes first in the sum.</summary>
    public readonly bool ArrivedComesFirst => IsExchange && _call.Rank == 1;

    /// <summary>Whether elements travel as bfloat16.</summary>
    public readonly bool IsCompressed => _call.Format == WireFormat.BFloat16;

    /// <summary>Length of the buffer.</summary>
    public readonly long Bytes => _call.Bytes;

    /// <summary>
    /// The buffer, where its bytes travel as they are and may be read while the call goes on: what comes into it follows from what went out of the same place, and was read. A stage that shifts does not wait for its
    /// reader; and a broadcast has one core copy in while another copies out, which only longer ones are slower by. Else null.
    /// </summary>
    public readonly byte* Lendable => IsCompressed || Kind == RingFrameKind.Shift || (Kind == RingFrameKind.Broadcast && Bytes < LeastLentBroadcast) ? null : _call.Data;

    public readonly void OutChunk(int step, out byte* data, out long length) => Chunk(Modulo(_position + _shift - step), _call.Data, _call.Elements, out data, out length);

    public readonly void InChunk(int step, out byte* data, out long length)
    {
        if (Kind == RingFrameKind.Shift)
            Chunk(0, _call.Arriving, _call.ArrivingBytes, out data, out length);
        else
            Chunk(Modulo(_position + _shift - step - 1), _call.Data, _call.Elements, out data, out length);
    }

    public readonly long OutBytes()
    {
        var bytes = 0L;
        for (var step = FirstOutStep; step < OutSteps; step++)
        {
            OutChunk(step, out _, out var length);
            bytes += length;
        }

        return bytes;
    }

    public readonly long InBytes()
    {
        var bytes = 0L;
        for (var step = 0; step < InSteps; step++)
        {
            InChunk(step, out _, out var length);
            bytes += length;
        }

        return bytes;
    }

    /// <param name="call">The call.</param>
    /// <param name="channel">Share of every chunk.</param>
    /// <param name="channels">Shares that there are.</param>
    /// <param name="reversed">Whether the ring runs to lower ranks.</param>
    public static RingSchedule Of(in CollectiveCall call, int channel, int channels, bool reversed)
    {
        var size = call.Size;
        var schedule = new RingSchedule
        {
            _call = call,
            _channel = channel,
            _channels = channels,
            _reversed = reversed,
            _position = reversed ? (size - call.Rank) % size : call.Rank,
            _chunks = size,
            Kind = call.Kind,
            OutSteps = size - 1,
            InSteps = size - 1,
        };
        switch (call.Kind)
        {
            case RingFrameKind.AllReduceSum or RingFrameKind.AllReduceMin or RingFrameKind.AllReduceMax when size == 2 && call.Bytes <= LargestExchange && call.Format == WireFormat.Full:
                schedule._chunks = 1;
                schedule.ReducedSteps = 1;
                schedule.IsExchange = true;
                break;
            case RingFrameKind.AllReduceSum or RingFrameKind.AllReduceMin or RingFrameKind.AllReduceMax:
                schedule.ReducedSteps = size - 1;
                schedule.OutSteps = schedule.InSteps = (2 * size) - 2;
                break;
            case RingFrameKind.ReduceScatter:
                schedule._shift = -1;
                schedule.ReducedSteps = size - 1;
                break;
            case RingFrameKind.Broadcast:
                var root = reversed ? (size - call.Root) % size : call.Root;
                var fromRoot = (schedule._position - root + size) % size;
                schedule._chunks = 1;
                schedule.FirstOutStep = fromRoot == 0 ? 0 : 1;
                schedule.OutSteps = fromRoot == size - 1 ? 0 : fromRoot == 0 ? 1 : 2;
                schedule.InSteps = fromRoot == 0 ? 0 : 1;
                break;
            case RingFrameKind.Shift:
                schedule._chunks = 1;
                schedule.OutSteps = call.Elements > 0 ? 1 : 0;
                schedule.InSteps = call.ArrivingBytes > 0 ? 1 : 0;
                break;
            default:
                break;
        }

        return schedule;
    }

    private readonly void Chunk(int chunk, byte* data, long elements, out byte* start, out long length)
    {
        if (_reversed && chunk > 0)
            chunk = _chunks - chunk;
        var first = elements * chunk / _chunks;
        var past = elements * (chunk + 1) / _chunks;
        var count = past - first;
        (first, past) = (first + (count * _channel / _channels), first + (count * (_channel + 1) / _channels));
        start = data + (first * _call.ElementBytes);
        length = (past - first) * _call.ElementBytes;
    }

    private readonly int Modulo(int chunk)
    {
        var remainder = chunk % _chunks;
        return remainder < 0 ? remainder + _chunks : remainder;
    }
}
