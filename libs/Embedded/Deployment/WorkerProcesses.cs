namespace TrainMover.Embedded;

/// <summary>Finds the worker processes of a deployment. A worker outlives its agent, so nobody but the kernel knows them all.</summary>
public static class WorkerProcesses
{
    private const string Program = "TrainMover.Worker.dll";

    /// <summary>Machine and process of every worker whose socket lies in this run folder.</summary>
    /// <param name="runDirectory">Run folder of the deployment.</param>
    public static IReadOnlyList<(string Machine, ProcessIdentity Process)> Find(string runDirectory)
    {
        var found = new List<(string, ProcessIdentity)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid) || ProcessIdentity.Of(pid) is not { } identity) continue;
            var arguments = Arguments(pid);
            if (!arguments.Any(argument => Path.GetFileName(argument) == Program)) continue;
            if (ValueOf(arguments, "--socket") is { } socket && Path.GetDirectoryName(socket) == Path.TrimEndingDirectorySeparator(runDirectory)
                && ValueOf(arguments, "--machine") is { } machine)
                found.Add((machine, identity));
        }

        return found;
    }

    private static string[] Arguments(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? ValueOf(string[] arguments, string option)
    {
        var index = Array.IndexOf(arguments, option);
        return index >= 0 && index + 1 < arguments.Length ? arguments[index + 1] : null;
    }
}
