using System.Diagnostics;
using TrainMover.Embedded;

namespace TrainMover.EndToEnd.Tests.CommandLine;

/// <summary>Runs the command line as a process of its own, on a folder of its own.</summary>
internal static class CommandLineProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string[] Inherited = ["TRAINMOVER_KAFKA", "TRAINMOVER_POSTGRES", "TRAINMOVER_SCHEMA", "TRAINMOVER_TOPIC_PREFIX", "TRAINMOVER_DEBUG"];

    public static Process Start(string home, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var root = Repository.FindRoot();
        var program = Path.Combine(root, "tools", "Cli", "bin", Repository.Configuration, "net10.0", "TrainMover.Cli.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var name in Inherited) start.Environment.Remove(name);
        start.Environment["TRAINMOVER_ROOT"] = root;
        start.Environment["TRAINMOVER_HOME"] = home;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string home, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(home, environment, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }

        return (process.ExitCode, await output, await error);
    }
}
