using System.Globalization;

namespace TrainMover.Telemetry.Faults;

/// <summary>Reads a text from left to right. Nothing is consumed by an attempt that fails.</summary>
internal ref struct TextCursor(ReadOnlySpan<char> text)
{
    public ReadOnlySpan<char> Rest { get; private set; } = text;

    public bool TrySkip(char expected)
    {
        if (Rest.IsEmpty || Rest[0] != expected) return false;
        Rest = Rest[1..];
        return true;
    }

    public bool TrySkip(ReadOnlySpan<char> expected)
    {
        if (!Rest.StartsWith(expected, StringComparison.Ordinal)) return false;
        Rest = Rest[expected.Length..];
        return true;
    }

    /// <summary>Goes behind the next occurrence.</summary>
    public bool TrySkipPast(ReadOnlySpan<char> expected)
    {
        var at = Rest.IndexOf(expected, StringComparison.Ordinal);
        if (at < 0) return false;
        Rest = Rest[(at + expected.Length)..];
        return true;
    }

    public void SkipBlanks() => Rest = Rest.TrimStart();

    public bool TryTakeUntil(char end, out ReadOnlySpan<char> taken)
    {
        var at = Rest.IndexOf(end);
        taken = at < 0 ? default : Rest[..at];
        if (at < 0) return false;
        Rest = Rest[(at + 1)..];
        return true;
    }

    /// <summary>Takes what comes before the next blank.</summary>
    public ReadOnlySpan<char> TakeWord()
    {
        SkipBlanks();
        var at = Rest.IndexOfAny(' ', '\n', '\t');
        var taken = at < 0 ? Rest : Rest[..at];
        Rest = at < 0 ? default : Rest[(at + 1)..];
        return taken;
    }

    public bool TryTakeNumber(out int value)
    {
        var length = Rest.StartsWith('-') ? 1 : 0;
        while (length < Rest.Length && char.IsAsciiDigit(Rest[length])) length++;
        if (!int.TryParse(Rest[..length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)) return false;
        Rest = Rest[length..];
        return true;
    }

    /// <summary>Takes <c>0x0409a0c2</c>, with blanks before it.</summary>
    public bool TryTakeHexWord(out uint value)
    {
        value = 0;
        var from = Rest.TrimStart();
        if (!from.StartsWith("0x", StringComparison.Ordinal)) return false;
        var length = 2;
        while (length < from.Length && char.IsAsciiHexDigit(from[length])) length++;
        if (!uint.TryParse(from[2..length], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)) return false;
        Rest = from[length..];
        return true;
    }
}
