using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Embedded;

namespace TrainMover.Cli.Demo;

/// <summary>What the uninterrupted run of a job came to.</summary>
/// <param name="Parameters">Parameters of the model.</param>
/// <param name="LossBits">Raw bits of the loss of every step.</param>
/// <param name="Digests">Final state of every rank.</param>
internal sealed record ReferenceResult(long Parameters, IReadOnlyList<uint> LossBits, IReadOnlyList<string> Digests);

/// <summary>Trains the same job again without interruptions, in a process of its own: this one never loads libtorch.</summary>
internal static class ReferenceRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public static async Task<ReferenceResult> RunAsync(Access access, JobSpec job, CancellationToken ct)
    {
        var folder = Path.Combine(job.Directory, "reference");
        Directory.CreateDirectory(folder);
        var (specification, result) = (Path.Combine(folder, "job.json"), Path.Combine(folder, "result.json"));
        await File.WriteAllTextAsync(specification, JsonSerializer.Serialize(job with { Directory = folder }, Catalog.Json), ct);
        using var process = await WorkerProgram.StartAsync(access, "reference", ["--reference", specification, "--out", result]);
        try
        {
            await process.Ended.WaitAsync(Limit, ct);
        }
        catch (TimeoutException)
        {
            throw new DeploymentException($"The reference run did not end within {Limit.TotalMinutes:0} minutes: see {process.LogFile}.");
        }
        finally
        {
            await process.KillAsync();
        }

        if (!File.Exists(result)) throw new DeploymentException($"The reference run failed ({process.LogTail()}): see {process.LogFile}.");
        return JsonSerializer.Deserialize<ReferenceResult>(await File.ReadAllTextAsync(result, ct), Catalog.Json)!;
    }
}
