using System.CommandLine;
using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts;

namespace TrainMover.Cli.Bench;

/// <summary>Where the figures of a bench go, if anywhere; checked before hours of measuring are lost.</summary>
internal sealed class ResultFile
{
    private static readonly JsonSerializerOptions Indented = new(Catalog.Json) { WriteIndented = true };
    private readonly string? _path;

    private ResultFile(string? path) => _path = path;

    public static Option<string?> Option() => new("--json") { Description = "File that receives the figures as JSON." };

    public static ResultFile Of(string? path) => path is not null && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)
        ? throw new BadInputException($"The folder {folder} does not exist: create it, or choose another file for --json.")
        : new ResultFile(path);

    public async Task WriteAsync(object result, CancellationToken ct)
    {
        if (_path is not null) await File.WriteAllTextAsync(_path, JsonSerializer.Serialize(result, Indented) + "\n", ct);
    }
}
