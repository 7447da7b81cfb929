using System.Globalization;
using System.Text;

namespace TrainMover.Agent;

/// <summary>What the kernel says of a process.</summary>
/// <param name="IsStopped">It is stopped, by a signal (<c>T</c>) or a debugger (<c>t</c>).</param>
/// <param name="IsEnding">Its first thread has ended: the rest is being torn down, which takes long where memory is large. Sockets close later.</param>
/// <param name="WaitStatus">How it ends, as <c>wait(2)</c> will tell.</param>
internal readonly record struct ProcessState(bool IsStopped, bool IsEnding, int WaitStatus)
{
    private const int LongestStat = 1024;
    private const int SignalBits = 0x7f;
    private const int CodeShift = 8;

    /// <summary>The state of a process; of one that is gone nothing is known.</summary>
    public static ProcessState Of(int pid)
    {
        try
        {
            Span<byte> stat = stackalloc byte[LongestStat];
            using var file = File.OpenHandle($"/proc/{pid}/stat");
            return Read(Encoding.ASCII.GetString(stat[..RandomAccess.Read(file, stat, 0)]));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }

    /// <summary>Reads a line of <c>/proc/PID/stat</c>: the state is the first field after the name, the wait status the last.</summary>
    public static ProcessState Read(string stat)
    {
        // The name is in parentheses and may hold anything.
        var state = stat.LastIndexOf(')') + 2;
        if (state < 2 || state >= stat.Length) return default;
        var last = stat.AsSpan(stat.TrimEnd().LastIndexOf(' ') + 1).TrimEnd();
        return new ProcessState(stat[state] is 'T' or 't', stat[state] is 'Z' or 'X', int.TryParse(last, CultureInfo.InvariantCulture, out var status) ? status : 0);
    }

    /// <summary>How a process ends, in one plain sentence.</summary>
    public string DescribeEnd() => DescribeEnd(WaitStatus & SignalBits, WaitStatus >> CodeShift);

    /// <summary>How a process ended, in one plain sentence.</summary>
    /// <param name="signal">Signal that killed it; 0 for none.</param>
    /// <param name="code">Its exit code, where none did.</param>
    public static string DescribeEnd(int signal, int code) => (signal, code) switch
    {
        ( > 0, _) => $"The worker was killed by signal {signal}.",
        (_, 0) => "The worker ended by itself.",
        _ => $"The worker ended with exit code {code}.",
    };
}
