namespace TrainMover.Telemetry.Tests;

/// <summary>A file that is gone after the test.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("telemetry-").FullName;

    public TemporaryFile(string text) => File.WriteAllText(Path, text);

    public string Path => System.IO.Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
