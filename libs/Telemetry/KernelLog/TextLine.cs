using System.Globalization;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>Lines of <c>dmesg</c> and of syslog.</summary>
internal static class TextLine
{
    private const string Kernel = "kernel:";
    private const int MostSeconds = 1_000_000_000;
    private const int SyslogTimeLength = 15;

    private static readonly string[] Levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    private static readonly string[] Ctime = ["ddd MMM d HH:mm:ss yyyy"];

    public static KernelLogLine? Read(string line)
    {
        var rest = line.AsSpan().TrimEnd();
        if (rest.IsEmpty || KmsgRecord.IsDictionary(rest)) return null;
        var level = TakeLevel(ref rest);
        DateTimeOffset? time = null;
        TimeSpan? sinceBoot = null;
        string? host = null;

        if (TakeIso(ref rest) is { } iso) time = iso;
        else if (IsSyslogTime(rest)) rest = rest[SyslogTimeLength..].TrimStart();
        else TakeBracketed(ref rest, ref time, ref sinceBoot);

        // After a time, a host and whoever speaks may follow; another speaker than the kernel is none of ours.
        if (TakeSpeaker(rest, out var named, out var speaker, out var said))
        {
            if (speaker is not "kernel") return null;
            host = named.IsEmpty ? null : named.ToString();
            rest = said;
            TakeBracketed(ref rest, ref time, ref sinceBoot);
        }

        return rest.IsEmpty ? null : new KernelLogLine(rest.ToString()) { Time = time, SinceBoot = sinceBoot, Level = level, Host = host };
    }

    // <6>, or "kern  :warn  : ".
    private static int? TakeLevel(ref ReadOnlySpan<char> rest)
    {
        if (rest.StartsWith('<') && rest.IndexOf('>') is > 1 and < 5 and var end && int.TryParse(rest[1..end], NumberStyles.None, CultureInfo.InvariantCulture, out var priority))
        {
            rest = rest[(end + 1)..].TrimStart();
            return priority & 7;
        }

        if (!rest.StartsWith("kern", StringComparison.Ordinal)) return null;
        var first = rest.IndexOf(':');
        if (first < 0 || !rest[..first].TrimEnd().SequenceEqual("kern")) return null;
        var second = rest[(first + 1)..].IndexOf(':');
        if (second < 0) return null;
        var level = Array.IndexOf(Levels, rest.Slice(first + 1, second).Trim().ToString());
        if (level < 0) return null;
        rest = rest[(first + second + 2)..].TrimStart();
        return level;
    }

    // 2025-01-21T04:41:44,283302+00:00
    private static DateTimeOffset? TakeIso(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(' ');
        if (end is < 19 or > 35 || rest[4] != '-' || rest[10] != 'T') return null;
        if (!DateTimeOffset.TryParse(rest[..end].ToString().Replace(',', '.'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return null;
        rest = rest[(end + 1)..];
        return time;
    }

    // "Dec  1 14:54:40 ": no year, so it says nothing of use.
    private static bool IsSyslogTime(ReadOnlySpan<char> rest) =>
        rest.Length > SyslogTimeLength && rest[SyslogTimeLength] == ' ' && char.IsAsciiLetterUpper(rest[0]) && rest[3] == ' ' && rest[6] == ' ' && rest[9] == ':' && rest[12] == ':'
        && char.IsAsciiDigit(rest[5]) && char.IsAsciiDigit(rest[14]);

    // [  123.456789], [Sun Feb 23 16:24:18 2025], and the caller that may follow: [  T123], [C0].
    private static void TakeBracketed(ref ReadOnlySpan<char> rest, ref DateTimeOffset? time, ref TimeSpan? sinceBoot)
    {
        while (rest.StartsWith('[') && rest.IndexOf(']') is > 0 and < 40 and var end)
        {
            var inside = rest[1..end].Trim();
            if (double.TryParse(inside, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < MostSeconds) sinceBoot = TimeSpan.FromSeconds(seconds);
            else if (DateTimeOffset.TryParseExact(inside.ToString().Replace("  ", " ", StringComparison.Ordinal), Ctime, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)) time = date;
            else if (!IsCaller(inside) && !IsDots(inside)) return;
            // Leading blanks of the message are kept: one follows the bracket.
            rest = rest[(end + 1)..];
            if (rest.StartsWith(' ')) rest = rest[1..];
        }
    }

    private static bool IsCaller(ReadOnlySpan<char> inside) => inside.Length > 1 && inside[0] is 'T' or 'C' && inside[1..].IndexOfAnyExceptInRange('0', '9') < 0;

    private static bool IsDots(ReadOnlySpan<char> inside) => inside.Length > 0 && inside.IndexOfAnyExcept('.') < 0;

    // "host kernel: ", "kernel: ", "host python3[123]: ": told from the kernel's own "mlx5_core 0000:5c:00.0: " by the host before a speaker with a process id, or by the word kernel.
    private static bool TakeSpeaker(ReadOnlySpan<char> rest, out ReadOnlySpan<char> host, out ReadOnlySpan<char> speaker, out ReadOnlySpan<char> said)
    {
        host = speaker = said = default;
        var words = rest;
        var blank = words.IndexOf(' ');
        if (words.StartsWith(Kernel, StringComparison.Ordinal))
        {
            speaker = "kernel";
            said = words[Kernel.Length..].TrimStart();
            return true;
        }

        if (blank <= 0) return false;
        var second = words[(blank + 1)..];
        host = words[..blank];
        if (second.StartsWith(Kernel, StringComparison.Ordinal))
        {
            speaker = "kernel";
            said = second[Kernel.Length..].TrimStart();
            return true;
        }

        var colon = second.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 2 || second[colon - 1] != ']' || second[..colon].Contains(' ')) return false;
        var open = second[..colon].LastIndexOf('[');
        if (open <= 0 || second[(open + 1)..(colon - 1)].IndexOfAnyExceptInRange('0', '9') >= 0) return false;
        speaker = second[..open];
        said = second[(colon + 2)..];
        return true;
    }
}
