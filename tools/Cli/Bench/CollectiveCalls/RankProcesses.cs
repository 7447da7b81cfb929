using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Verbs;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>Our side of a measurement: this very program, started again, one process per rank over TCP, one process with a thread per rank over memory.</summary>
internal static class RankProcesses
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static async Task<IReadOnlyList<Measured>> RunAsync(string transport, int ranks, CancellationToken ct)
    {
        var (count, ranksHere) = transport == "tcp" ? (ranks, 1) : (1, ranks);
        var processes = Enumerable.Range(0, count).Select(machine => Start(machine, ranksHere)).ToList();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Limit);
        try
        {
            var ports = new List<string>();
            foreach (var process in processes)
                ports.Add((await process.StandardOutput.ReadLineAsync(deadline.Token))?.Split(' ') is ["port", var port] ? port : throw new BadInputException("A rank's process did not start."));
            foreach (var process in processes)
            {
                await process.StandardInput.WriteLineAsync(string.Join(' ', ports));
                await process.StandardInput.FlushAsync(deadline.Token);
            }

            var text = await processes[0].StandardOutput.ReadToEndAsync(deadline.Token);
            await Task.WhenAll(processes.Select(process => process.WaitForExitAsync(deadline.Token)));
            return [.. text.Split('\n').Select(Measured.Parse).OfType<Measured>()];
        }
        finally
        {
            foreach (var process in processes)
            {
                if (!process.HasExited) process.Kill();
                process.Dispose();
            }
        }
    }

    private static Process Start(int machine, int ranksHere)
    {
        var arguments = $"bench {CollectivesVerb.RankVerb} --machine {machine} --ranks-here {ranksHere}";
        var program = Environment.ProcessPath!;
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") arguments = $"{Environment.GetCommandLineArgs()[0]} {arguments}";
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        return Process.Start(start)!;
    }
}
