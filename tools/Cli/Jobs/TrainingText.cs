using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Jobs;

/// <summary>Puts a job's training text into its folder: the project's own source and docs, or a file of the user's.</summary>
internal static class TrainingText
{
    private const long Least = 64 * 1024;
    private static readonly string[] Folders = ["libs", "services", "tools", "tests", "docs"];

    public static async Task<string> PrepareAsync(string root, string? data, string directory, CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        var target = Path.Combine(directory, "corpus.txt");
        if (data is null)
        {
            await using var text = File.Create(target);
            foreach (var file in OwnText(root))
            {
                await using var source = File.OpenRead(file);
                await source.CopyToAsync(text, ct);
            }
        }
        else
        {
            if (!File.Exists(data)) throw new BadInputException($"{data} does not exist: give the path of a text file.");
            File.Copy(data, target, overwrite: true);
        }

        var length = new FileInfo(target).Length;
        if (length < Least) throw new BadInputException($"{data ?? root} holds {length} bytes of text: training needs at least {Least}.");
        return target;
    }

    private static IEnumerable<string> OwnText(string root) =>
        from folder in Folders
        let path = Path.Combine(root, folder)
        where Directory.Exists(path)
        from file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        where file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".md", StringComparison.Ordinal)
        let parts = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)
        where !parts.Contains("bin") && !parts.Contains("obj")
        select file;
}
