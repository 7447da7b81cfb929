using System.Net;

namespace TrainMover.Worker;

/// <summary>Command line of a worker.</summary>
internal sealed record WorkerOptions(string Machine, string Socket, string Host, IPAddress Address)
{
    /// <summary>Machines (comma-separated) whose workers start cold, to measure what a rehearsal saves.</summary>
    private const string Unrehearsed = "TRAINMOVER_UNREHEARSED";

    public const string Usage = "Usage: TrainMover.Worker --machine NAME --socket FILE [--host ADDRESS]";

    public bool IsRehearsed => Environment.GetEnvironmentVariable(Unrehearsed)?.Split(',').Contains(Machine) != true;

    public static WorkerOptions Parse(string[] args)
    {
        string? machine = null, socket = null;
        var host = "127.0.0.1";
        for (var i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length)
                throw new FormatException($"{args[i]} has no value. {Usage}");
            switch (args[i])
            {
                case "--machine": machine = args[i + 1]; break;
                case "--socket": socket = args[i + 1]; break;
                case "--host": host = args[i + 1]; break;
                default: throw new FormatException($"{args[i]} is unknown. {Usage}");
            }
        }

        if (machine is null || socket is null)
            throw new FormatException($"--machine and --socket are needed. {Usage}");
        if (!IPAddress.TryParse(host, out var address))
            throw new FormatException($"--host {host} is not an IP address: peers connect to it. {Usage}");
        return new WorkerOptions(machine, socket, host, address);
    }
}
