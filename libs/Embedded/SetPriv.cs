namespace TrainMover.Embedded;

/// <summary>The program <c>setpriv</c> of util-linux, which becomes another one under another account, or one that ends with whoever started it.</summary>
internal static class SetPriv
{
    /// <summary>Whether it is on this machine.</summary>
    public static bool IsThere { get; } = OnPath().Any(folder => File.Exists(Path.Combine(folder, "setpriv")));

    /// <summary>What goes before a command line; nothing where nothing is wanted, or it is not there.</summary>
    /// <param name="runAs">Account; null for this process's own.</param>
    /// <param name="signalAtEnd">Name of the signal that it gets when the thread that started it ends; null for none.</param>
    public static IReadOnlyList<string> Prefix(string? runAs = null, string? signalAtEnd = null)
    {
        if (!IsThere || (runAs ?? signalAtEnd) is null)
            return [];
        string[] account = runAs is null ? [] : [$"--reuid={runAs}", $"--regid={runAs}", "--init-groups"];
        string[] end = signalAtEnd is null ? [] : ["--pdeathsig", signalAtEnd];
        return ["setpriv", .. account, .. end, "--"];
    }

    /// <summary>Folders in which programs are looked for.</summary>
    public static string[] OnPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}
