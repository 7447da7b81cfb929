using TrainMover.Cli.CommandLine;
using TrainMover.Embedded;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Cli.Demo;

/// <summary>The worker's program on its own, without an agent: for runs that are compared with a deployment's.</summary>
internal static class WorkerProgram
{
    private static readonly string File = Path.Combine("services", "NodeAgent", "Worker", "bin", Repository.Configuration, "net10.0", "TrainMover.Worker.dll");

    /// <summary>Starts it as agents start theirs.</summary>
    public static Task<ServiceProcess> StartAsync(Access access, string name, IEnumerable<string> arguments) =>
        ServiceProcess.StartAsync(name, Path.Combine(access.Root, File), arguments, WorkerMemory.Environment, Path.Combine(access.Directory, "logs"));
}
