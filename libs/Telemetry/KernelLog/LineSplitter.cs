namespace TrainMover.Telemetry.KernelLog;

/// <summary>Takes one line; the span is valid during the call only.</summary>
/// <param name="line">The line without its end, cut to the greatest length.</param>
public delegate void LineTaker(ReadOnlySpan<byte> line);

/// <summary>
/// Cuts a stream of bytes into lines, in memory that does not grow: of a line that is longer than the limit the beginning is kept and the rest skipped.
/// Not safe for use by several threads at once.
/// </summary>
/// <param name="mostBytes">Greatest length of a line in bytes; at least 1.</param>
public sealed class LineSplitter(int mostBytes = LineSplitter.DefaultMostBytes)
{
    /// <summary>8 KiB: the kernel itself prints no more than 1 KiB at once; journald's JSON puts its fields around that.</summary>
    public const int DefaultMostBytes = 8192;

    private readonly byte[] _line = new byte[mostBytes];
    private int _length;

    /// <summary>Bytes of over-long lines that were skipped so far.</summary>
    public long Skipped { get; private set; }

    /// <summary>Takes bytes in, and gives out every line that they end.</summary>
    public void Add(ReadOnlySpan<byte> bytes, LineTaker take)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            Keep(end < 0 ? bytes : bytes[..end]);
            if (end < 0) return;
            Flush(take);
            bytes = bytes[(end + 1)..];
        }
    }

    /// <summary>Gives out what came after the last line end, if anything.</summary>
    public void Flush(LineTaker take)
    {
        if (_length > 0) take(_line.AsSpan(0, _length).TrimEnd((byte)'\r'));
        _length = 0;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        var kept = bytes[..Math.Min(bytes.Length, _line.Length - _length)];
        kept.CopyTo(_line.AsSpan(_length));
        _length += kept.Length;
        Skipped += bytes.Length - kept.Length;
    }
}
