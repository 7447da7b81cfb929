using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Embedded;

namespace TrainMover.Cli.Bench;

/// <summary>
/// The rival: stop the job and start it again from a checkpoint, as favourably as can be. The fault is known at once, the checkpoint of the last step is
/// there for free, every machine is free, all processes start in parallel, nothing else runs, and files are in the page cache.
/// </summary>
internal static class CheckpointRestart
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>The pause, and the gap between completed steps, as they are counted for migrations. The fault comes right after a step: no work is lost.</summary>
    public static async Task<PausedTime> MeasureAsync(Access access, JobSpec job, double medianStepMs, CancellationToken ct)
    {
        var folder = Path.Combine(job.Directory, "restart");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        var specification = Path.Combine(folder, "job.json");
        await File.WriteAllTextAsync(specification, JsonSerializer.Serialize(job, Catalog.Json), ct);

        var processes = new List<ServiceProcess>();
        var fault = Stopwatch.GetTimestamp();
        try
        {
            for (var machine = 0; machine < job.Machines; machine++)
            {
                string[] arguments = ["--restart", specification, "--machine", machine.ToString(CultureInfo.InvariantCulture), "--folder", folder];
                processes.Add(await WorkerProgram.StartAsync(access, $"restart-{machine}", arguments));
            }

            await Task.WhenAll(processes.Select(process => process.Ended)).WaitAsync(Limit, ct);
            var times = processes.Select((process, machine) => Times(process, Path.Combine(folder, $"resumed-{machine}"))).ToList();
            return new PausedTime((times.Max(rank => rank[0]) - fault) / 1e6, Math.Max(0, ((times.Max(rank => rank[1]) - fault) / 1e6) - medianStepMs));
        }
        catch (TimeoutException)
        {
            throw new DeploymentException($"The restart did not end within {Limit.TotalSeconds:0} s: see {processes[0].LogFile}.");
        }
        finally
        {
            foreach (var process in processes)
            {
                await process.KillAsync();
                process.Dispose();
            }
        }
    }

    private static long[] Times(ServiceProcess process, string file) => File.Exists(file)
        ? [.. File.ReadLines(file).Select(line => long.Parse(line, CultureInfo.InvariantCulture))]
        : throw new DeploymentException($"The restart failed ({process.LogTail()}): see {process.LogFile}.");
}
