namespace TrainMover.Telemetry.Tests;

/// <summary>The test data beside the repository; a test that needs it is skipped where it is absent.</summary>
internal static class RealData
{
    private static readonly string? Folder = Find();

    public static string Read(string path) => File.ReadAllText(Of(path));

    public static string Of(string path)
    {
        if (Folder is null) Assert.Skip("The test data (../shared/data beside the repository) is absent.");
        return Path.Combine(Folder, path);
    }

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, "shared", "data", "klog"))) return Path.Combine(folder.FullName, "shared", "data");
        }

        return null;
    }
}
