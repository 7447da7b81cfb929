using System.Diagnostics;
using System.Text;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>Programs of the system, with a limit of time.</summary>
internal static class Programs
{
    /// <summary>Standard output; null when there is no such program, or it failed or took too long.</summary>
    public static async Task<string?> TryRunAsync(string program, string arguments, TimeSpan limit, CancellationToken ct)
    {
        try
        {
            using var process = Start(program, arguments);
            var (text, ended) = await FinishAsync(process, limit, ct);
            return ended && process.ExitCode == 0 ? text : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Standard output, as far as the program came within the limit.</summary>
    public static async Task<string> OutputAsync(string program, string arguments, TimeSpan limit, CancellationToken ct)
    {
        using var process = Start(program, arguments);
        return (await FinishAsync(process, limit, ct)).Text;
    }

    private static Process Start(string program, string arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static async Task<(string Text, bool Ended)> FinishAsync(Process process, TimeSpan limit, CancellationToken ct)
    {
        var text = new StringBuilder();
        process.OutputDataReceived += (_, line) => text.Append(line.Data).Append('\n');
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (text.ToString(), true);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            return (text.ToString(), false);
        }
    }
}
