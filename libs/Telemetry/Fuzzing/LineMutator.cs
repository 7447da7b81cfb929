namespace TrainMover.Telemetry.Fuzzing;

/// <summary>Makes broken lines out of good ones; the same seed makes the same lines.</summary>
/// <param name="seeds">Lines to begin with; at least one.</param>
/// <param name="seed">Start of the random numbers.</param>
internal sealed class LineMutator(IReadOnlyList<byte[]> seeds, int seed)
{
    private const int MostBytes = 16 * 1024;
    private const int MostMutations = 4;
    private const int HugeEvery = 5000;

    private static readonly byte[][] Spices =
    [
        "NVRM: Xid ("u8.ToArray(), "PCI:0000:"u8.ToArray(), "): "u8.ToArray(), "SXid ("u8.ToArray(), "{\"MESSAGE\":"u8.ToArray(), "\\u0000"u8.ToArray(), "\\x"u8.ToArray(), "0x"u8.ToArray(),
        "-"u8.ToArray(), "999999999999999999999"u8.ToArray(), "pid="u8.ToArray(), "\""u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(), "{"u8.ToArray(), "}"u8.ToArray(), ":"u8.ToArray(), ","u8.ToArray(),
        " Link "u8.ToArray(), "segfault at "u8.ToArray(), " blocked for more than "u8.ToArray(), "task "u8.ToArray(), "NaN"u8.ToArray(), "1e999"u8.ToArray(), [0xff], [0xc3], [0xed, 0xa0, 0x80], [0], [(byte)'\r'],
    ];

    // Not for secrets: the same seed has to make the same lines.
    private readonly Random _random = new(seed);
    private readonly byte[] _line = new byte[MostBytes];

    /// <summary>The next line, valid until the one after it.</summary>
    public ReadOnlySpan<byte> Next()
    {
        if (_random.Next(HugeEvery) == 0)
        {
            _random.NextBytes(_line);
            return _line;
        }

        var from = seeds[_random.Next(seeds.Count)];
        var length = Math.Min(from.Length, MostBytes);
        from.AsSpan(0, length).CopyTo(_line);
        for (var left = _random.Next(MostMutations + 1); left > 0; left--) length = Mutate(length);
        return _line.AsSpan(0, length);
    }

    private int Mutate(int length)
    {
        var at = _random.Next(length + 1);
        switch (_random.Next(6))
        {
            case 0:
                return at;
            case 1 when length > 0:
                _line[_random.Next(length)] = (byte)_random.Next(256);
                return length;
            case 2 when length > 0:
                _line[_random.Next(length)] ^= (byte)(1 << _random.Next(8));
                return length;
            case 3:
                return Insert(length, at, Spices[_random.Next(Spices.Length)]);
            case 4:
                var other = seeds[_random.Next(seeds.Count)];
                var begin = _random.Next(other.Length + 1);
                return Insert(length, at, other.AsSpan(begin, _random.Next(other.Length - begin + 1)));
            default:
                var removed = Math.Min(_random.Next(16), length - at);
                _line.AsSpan(at + removed, length - at - removed).CopyTo(_line.AsSpan(at));
                return length - removed;
        }
    }

    private int Insert(int length, int at, ReadOnlySpan<byte> what)
    {
        what = what[..Math.Min(what.Length, MostBytes - length)];
        _line.AsSpan(at, length - at).CopyTo(_line.AsSpan(at + what.Length));
        what.CopyTo(_line.AsSpan(at));
        return length + what.Length;
    }
}
