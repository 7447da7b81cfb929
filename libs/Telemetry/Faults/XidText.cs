namespace TrainMover.Telemetry.Faults;

/// <summary>Lines of the GPU driver.</summary>
internal static class XidText
{
    public const string Anchor = "NVRM: ";
    public const int FallenOffTheBus = 79;

    private const int RecoveryActionChanged = 154;
    private const int FirstNvLink5 = 144;
    private const int LastNvLink5 = 150;
    private const int MostDigits = 5;
    private const string BusWords = "allen off the bus";

    public static KernelFault? Decode(ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        if (!cursor.TrySkipPast(Anchor)) return null;
        return cursor.TrySkip("Xid") ? Stated(cursor) : Inferred(cursor.Rest);
    }

    /// <summary>Whether the text begins the driver's three lines on a GPU that it cannot reach any more, and which GPU.</summary>
    public static PciAddress? NamesLostDevice(ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        return cursor.TrySkipPast("NVRM: The NVIDIA GPU ") ? PciAddress.Find(cursor.TakeWord()) : null;
    }

    public static bool EndsLostDevice(ReadOnlySpan<char> text) => text.Contains("NVRM: fallen off the bus", StringComparison.Ordinal);

    // NVRM: Xid (PCI:0000:05:00): 79, pid=..., name=..., text
    private static KernelFault? Stated(TextCursor cursor)
    {
        cursor.SkipBlanks();
        if (!cursor.TrySkip('(') || !cursor.TryTakeUntil(')', out var place) || !cursor.TrySkip(':')) return null;
        cursor.SkipBlanks();
        var digits = cursor.Rest;
        if (digits.StartsWith('-') || !cursor.TryTakeNumber(out var number) || digits.Length - cursor.Rest.Length > MostDigits || number == 0) return null;
        if (!cursor.Rest.IsEmpty && cursor.Rest[0] != ',' && !char.IsWhiteSpace(cursor.Rest[0])) return null;
        cursor.TrySkip(',');

        // With a partitioned GPU its instance follows the address: (PCI:0000:c1:00 GPU-I:05).
        var device = PciAddress.Find(new TextCursor(place).TakeWord());
        var process = TakeProcess(ref cursor);
        var words = cursor.Rest;
        var fault = new KernelFault(FaultClass.Xid, number, FaultText.Cut(words)) { Device = device, Process = process };
        return number switch
        {
            >= FirstNvLink5 and <= LastNvLink5 => WithNvLink(fault, words),
            RecoveryActionChanged => fault with { Recovery = RecoveryActions.Find(words) },
            _ => fault,
        };
    }

    private static KernelFault WithNvLink(KernelFault fault, ReadOnlySpan<char> words)
    {
        var error = NvLinkError.Decode(fault.Number, words);
        return fault with { Class = FaultClass.NvLink5, NvLink = error, Link = error?.Link, SaysFatal = error?.SaysFatal };
    }

    // The driver says in words alone that a GPU is gone, when it cannot tell the XID any more.
    private static KernelFault? Inferred(ReadOnlySpan<char> words)
    {
        if (!words.Contains(BusWords, StringComparison.Ordinal)) return null;
        var cursor = new TextCursor(words);
        var isOne = cursor.TrySkip("GPU at ") || cursor.TrySkip("GPU ") || cursor.TrySkip("The NVIDIA GPU ");
        if (!isOne) return null;
        var device = PciAddress.Find(new TextCursor(cursor.Rest).TakeWord().TrimEnd(':'));
        return device is null ? null : LostDevice(device.Value, words);
    }

    public static KernelFault LostDevice(PciAddress device, ReadOnlySpan<char> words) =>
        new(FaultClass.Xid, FallenOffTheBus, FaultText.Cut(words)) { Device = device.WithoutFunction, IsStated = false };

    private static FaultProcess? TakeProcess(ref TextCursor cursor)
    {
        var attempt = cursor;
        attempt.SkipBlanks();
        if (!attempt.TrySkip("pid=")) return null;
        var pid = TakeValue(ref attempt);
        int? id = int.TryParse(pid, out var number) && number >= 0 ? number : null;
        string? name = null;
        var afterPid = attempt;
        afterPid.SkipBlanks();
        if (afterPid.TrySkip("name="))
        {
            var value = TakeValue(ref afterPid);
            name = value.IsEmpty || value is "<unknown>" ? null : FaultText.Cut(value);
            attempt = afterPid;
        }

        cursor = attempt;
        return new FaultProcess(id, name);
    }

    private static ReadOnlySpan<char> TakeValue(ref TextCursor cursor)
    {
        if (cursor.TryTakeUntil(',', out var value)) return value.Trim();
        value = cursor.Rest;
        cursor = new TextCursor(default);
        return value.Trim();
    }
}
