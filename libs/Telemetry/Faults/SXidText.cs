namespace TrainMover.Telemetry.Faults;

/// <summary>Lines of the NVSwitch driver, and of the fabric manager, which repeats them.</summary>
internal static class SXidText
{
    public const string Anchor = "witch";

    private const int MostDigits = 6;

    public static KernelFault? Decode(ReadOnlySpan<char> text) => FromDriver(text) ?? FromFabricManager(text);

    // nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error (First)
    private static KernelFault? FromDriver(ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        if (!cursor.TrySkipPast("nvidia-nvswitch") || !cursor.TrySkipPast("SXid (") || !cursor.TryTakeUntil(')', out var place) || !cursor.TrySkip(':')) return null;
        cursor.SkipBlanks();
        if (!TryTakeCode(ref cursor, out var number)) return null;
        if (!cursor.Rest.IsEmpty && cursor.Rest[0] != ',' && !char.IsWhiteSpace(cursor.Rest[0])) return null;
        cursor.TrySkip(',');
        cursor.SkipBlanks();
        var words = cursor.Rest;
        return new KernelFault(FaultClass.SXid, number, FaultText.Cut(words))
        {
            Device = PciAddress.Find(place),
            SaysFatal = words.StartsWith("Fatal", StringComparison.Ordinal) ? true : words.StartsWith("Non-fatal", StringComparison.OrdinalIgnoreCase) ? false : null,
            IsDetail = words.StartsWith("Severity ", StringComparison.Ordinal) || words.StartsWith("Data ", StringComparison.Ordinal),
            Link = LinkIn(words, "Link "),
        };
    }

    // detected NVSwitch non-fatal error 12028 on fid 0 on NVSwitch pci bus id 00000000:86:00.0 physical id 3 port 61
    private static KernelFault? FromFabricManager(ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        if (!cursor.TrySkipPast("detected NVSwitch ")) return null;
        var words = cursor.Rest;
        var fatal = cursor.TrySkip("fatal error ");
        if ((!fatal && !cursor.TrySkip("non-fatal error ")) || !TryTakeCode(ref cursor, out var number)) return null;
        var device = cursor.TrySkipPast("pci bus id ") ? PciAddress.Find(cursor.TakeWord()) : null;
        return new KernelFault(FaultClass.SXid, number, FaultText.Cut(words)) { Device = device, SaysFatal = fatal, Link = LinkIn(cursor.Rest, "port ") };
    }

    private static bool TryTakeCode(ref TextCursor cursor, out int number)
    {
        var digits = cursor.Rest;
        return cursor.TryTakeNumber(out number) && number > 0 && digits.Length - cursor.Rest.Length <= MostDigits;
    }

    private static int? LinkIn(ReadOnlySpan<char> words, string before)
    {
        var cursor = new TextCursor(words);
        return cursor.TrySkipPast(before) && cursor.TryTakeNumber(out var link) ? link : null;
    }
}
