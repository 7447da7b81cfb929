using TrainMover.Embedded;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests.CommandLine;

/// <summary>Whoever started a deployment for itself may be killed, and cleans nothing up then.</summary>
public sealed class KilledStarterTests(PostgresFixture postgres) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly string _home = Directory.CreateTempSubdirectory("trainmover-cli-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public async Task What_it_started_ends_with_it()
    {
        using var deadline = new CancellationTokenSource(Limit);
        using var starter = CommandLineProcess.Start(_home, new Dictionary<string, string> { ["TRAINMOVER_POSTGRES"] = postgres.ConnectionString }, "demo");
        IReadOnlyList<(string Name, ProcessIdentity Process)> started;
        try
        {
            started = await UntilAllStandAsync(deadline.Token);
        }
        finally
        {
            starter.Kill();
        }

        foreach (var (name, process) in started)
            (await process.WaitForEndAsync(Limit)).ShouldBeTrue($"{name} (process {process.Pid}) should have ended");
    }

    private async Task<IReadOnlyList<(string Name, ProcessIdentity Process)>> UntilAllStandAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(100, ct);
            if (DeploymentEnvironment.Load(_home) is not { } environment || !Directory.Exists(environment.RunDirectory))
                continue;
            var workers = WorkerProcesses.Find(environment.RunDirectory);
            if (workers.Count == environment.Machines.Count)
                return [.. environment.Processes.Select(process => (process.Name, process.Process)), .. workers.Select(worker => ($"worker of {worker.Machine}", worker.Process))];
        }
    }
}
