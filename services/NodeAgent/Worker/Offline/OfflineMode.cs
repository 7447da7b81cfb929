using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;

namespace TrainMover.Worker.Offline;

/// <summary>Uses of this program without an agent: the uninterrupted run for comparison, and the checkpoint restart for measuring. The command line starts them.</summary>
internal static class OfflineMode
{
    /// <summary>The exit code, or null when the arguments ask for a worker.</summary>
    public static async Task<int?> TryRunAsync(string[] args)
    {
        switch (args)
        {
            case ["--reference", var job, "--out", var file]:
                await ReferenceMode.RunAsync(Read(job), file);
                return 0;
            case ["--restart", var job, "--machine", var machine, "--folder", var folder] when int.TryParse(machine, out var number):
                await RestartMode.RunAsync(Read(job), number, folder);
                return 0;
            default:
                return null;
        }
    }

    private static JobSpec Read(string file) => JsonSerializer.Deserialize<JobSpec>(File.ReadAllText(file), Catalog.Json) ?? throw new FormatException($"{file} holds no job.");
}
