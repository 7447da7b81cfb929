namespace TrainMover.Contracts.Tests;

internal static class Repository
{
    /// <summary>Set to 1 to write snapshots and documents instead of comparing them.</summary>
    public static bool Update => Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1";

    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TrainMover.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds TrainMover.sln.");
    }
}
