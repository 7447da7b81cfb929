using System.Buffers;

namespace TrainMover.Telemetry.Faults;

/// <summary>Decodes the text of a kernel message, without whatever a log puts before it.</summary>
public static class FaultText
{
    /// <summary>Length to which texts of faults are cut: 512 characters.</summary>
    public const int MostCharacters = 512;

    private static readonly SearchValues<string> Anchors = SearchValues.Create([XidText.Anchor, SXidText.Anchor, .. HostSymptoms.Anchors], StringComparison.Ordinal);

    /// <summary>The error that the text tells of, or null where it tells of none. Any text is fine; nothing is thrown.</summary>
    public static KernelFault? Decode(ReadOnlySpan<char> text) => text.ContainsAny(Anchors)
        ? XidText.Decode(text) ?? SXidText.Decode(text) ?? HostSymptoms.Decode(text)
        : null;

    internal static string Cut(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        if (text.Length <= MostCharacters) return text.ToString();
        return text[..(char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters)].ToString();
    }
}
