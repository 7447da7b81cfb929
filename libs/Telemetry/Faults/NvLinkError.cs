namespace TrainMover.Telemetry.Faults;

/// <summary>What an NVLink 5 error does to the work on its device.</summary>
public enum NvLinkReach
{
    /// <summary>Work goes on.</summary>
    NonFatal,

    /// <summary>The link is lost, and packets with it, at both ends.</summary>
    LinkFatal,

    /// <summary>The work on the device is lost.</summary>
    Fatal,
}

/// <summary>What NVIDIA's decoding of an NVLink 5 error asks for.</summary>
public enum NvLinkAdvice
{
    /// <summary>Nothing at once.</summary>
    None,

    /// <summary>What the XID 154 that comes with it says.</summary>
    FollowRecoveryAction,

    /// <summary>The device has to be reset.</summary>
    Reset,
}

/// <summary>An NVLink 5 error (XID 144 to 150), decoded from its unit and the words in brackets.</summary>
/// <param name="Unit">Unit of the device that reports, as the line names it.</param>
/// <param name="Reason">Why the link went down, bits 20 to 25 of the first word; 0 with units that have no reasons.</param>
/// <param name="Status">Second word: the error bits of the unit, or its event number.</param>
/// <param name="Link">Port; -1 where it is none in particular.</param>
/// <param name="SaysFatal">Whether the line calls it fatal.</param>
/// <param name="Reach">What it does to work.</param>
/// <param name="Advice">What is asked for.</param>
/// <param name="IsCatalogued">The catalogue has this unit, reason and status; otherwise reach and advice follow from <paramref name="SaysFatal"/> alone.</param>
/// <param name="LookAt">Where the cause is to be looked for; null where the catalogue says nothing special.</param>
public sealed record NvLinkError(
    string Unit, int Reason, uint Status, int Link, bool SaysFatal, NvLinkReach Reach, NvLinkAdvice Advice, bool IsCatalogued, string? LookAt)
{
    private const int ReasonShift = 20;
    private const int ReasonMask = 0x3f;

    /// <summary>Unit, reason and status in one word, for example <c>netir-link-evt/4/0</c>.</summary>
    public string Subcode => $"{Unit.Replace('_', '-').ToLowerInvariant()}/{Reason}/{Status:x}";

    // RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x00000008 ...), cut off anywhere.
    internal static NvLinkError? Decode(int xid, ReadOnlySpan<char> words)
    {
        var cursor = new TextCursor(words);
        var unit = cursor.TakeWord();
        cursor.SkipBlanks();
        var fatal = cursor.TrySkip("Fatal");
        if (unit.IsEmpty || (!fatal && !cursor.TrySkip("Nonfatal")) || !cursor.TrySkipPast("Link ") || !cursor.TryTakeNumber(out var link)) return null;
        cursor.SkipBlanks();
        if (!cursor.TrySkip('(') || !cursor.TryTakeHexWord(out var information)) return null;
        var name = FaultText.Cut(unit);
        var reason = (int)(information >> ReasonShift) & ReasonMask;
        if (cursor.TryTakeHexWord(out var status) && NvLinkCatalogue.Find(xid, unit, information) is { } entry)
        {
            if (entry.Judge(reason, status) is { } meaning)
                return new NvLinkError(name, entry.HasReasons ? reason : 0, status, link, fatal, meaning.Reach, meaning.Advice, IsCatalogued: true, meaning.LookAt);
        }

        return new NvLinkError(name, reason, status, link, fatal, fatal ? NvLinkReach.Fatal : NvLinkReach.NonFatal, fatal ? NvLinkAdvice.Reset : NvLinkAdvice.None, IsCatalogued: false, null);
    }
}
