using System.CommandLine;
using System.Runtime.InteropServices;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Collectives;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

internal static class DoctorVerb
{
    private const int LeastMemoryGb = 4;
    private const int LeastDiskGb = 2;

    public static Command Create()
    {
        var command = new Command("doctor", "Checks what this machine has and what the deployment says of its health.");
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            var checks = new List<Check> { Runtime(), Cpp(), Postgres(), Processors(), Memory(), HugePages(), Lifelines(), Turns(), Disk(access.Root) };
            checks.AddRange(await DeploymentAsync(access, ct));
            if (output.IsJson)
            {
                output.Json(checks);
            }
            else
            {
                var table = Output.Table("check", "", "found", "what to do");
                foreach (var check in checks)
                    table.AddRow(new Text(check.Name), new Markup(check.Good ? "[green]good[/]" : check.Required ? "[red]bad[/]" : "[yellow]weak[/]"), new Text(check.Found), new Text(check.Good ? "" : check.Advice));
                output.Console.Write(table);
            }

            return checks.Exists(check => check is { Good: false, Required: true }) ? 1 : 0;
        });
        return command;
    }

    private static Check Runtime() => new(".NET", true, RuntimeInformation.FrameworkDescription, "", Required: true);

    private static Check Cpp()
    {
        string[] places = ["/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib/aarch64-linux-gnu/libstdc++.so.6", "/usr/lib64/libstdc++.so.6", "/lib/x86_64-linux-gnu/libstdc++.so.6"];
        var library = places.FirstOrDefault(File.Exists);
        var good = library is not null && File.ReadAllBytes(library).AsSpan().IndexOf("GLIBCXX_3.4.32"u8) >= 0;
        return new("C++ runtime", good, library is null ? "libstdc++ not found" : good ? "has GLIBCXX_3.4.32" : "is too old for libtorch", "install libstdc++6 13 or newer; as root on Debian 12 ./trainmover does it", Required: true);
    }

    private static Check Postgres()
    {
        if (Access.Variable(Access.PostgresVariable) is not null) return new("PostgreSQL", true, $"{Access.PostgresVariable} is set", "", Required: true);
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(folder => Path.Combine(folder, "bin")) : []);
        var found = folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")));
        return new("PostgreSQL", found is not null, found ?? "server programs not found", $"apt-get install postgresql, or set {Access.PostgresVariable}", Required: true);
    }

    private static Check Processors() => new("processors", Environment.ProcessorCount >= 2, $"{Environment.ProcessorCount}", "two or more keep the pauses short", Required: false);

    private static Check Memory()
    {
        var gigabytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9;
        return new("memory", gigabytes >= LeastMemoryGb, $"{gigabytes:0.0} GB", $"five machines want {LeastMemoryGb} GB", Required: false);
    }

    private static Check HugePages()
    {
        const string setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        var found = File.Exists(setting) ? File.ReadAllText(setting).Trim() : "not there";
        return new("huge pages", found.Contains("[madvise]", StringComparison.Ordinal) || found.Contains("[always]", StringComparison.Ordinal), found, $"write madvise to {setting}: a worker that is killed is noticed sooner", Required: false);
    }

    private static Check Lifelines() =>
        new("lifelines", Endpoint.LifelineRefusal is null, Endpoint.LifelineRefusal ?? "allowed", "let programs call unshare and pidfd_getfd (in a container: its seccomp profile): a worker that is killed is noticed sooner", Required: false);

    private static Check Turns()
    {
        var permitted = ProcessorTurn.IsPermitted;
        return new("real-time threads", permitted, permitted ? "allowed" : "refused", "give the agents CAP_SYS_NICE or a limit for real-time priorities (ulimit -r 2): what a switch waits for goes before training on shared cores", Required: false);
    }

    private static Check Disk(string root)
    {
        var gigabytes = new DriveInfo(root).AvailableFreeSpace / 1e9;
        return new("disk", gigabytes >= LeastDiskGb, $"{gigabytes:0.0} GB free", $"the build and the packages want {LeastDiskGb} GB", Required: false);
    }

    private static async Task<IEnumerable<Check>> DeploymentAsync(Access access, CancellationToken ct)
    {
        if (access.Deployed is not { } deployed || !deployed.IsRunning()) return [new Check("deployment", true, "none runs", "", Required: false)];
        using var probe = new HealthProbe(deployed.RunDirectory);
        var checks = new List<Check>();
        foreach (var process in deployed.Processes)
        {
            var health = process.Name == Deployment.Broker ? null : await probe.AskAsync(process.Name, ct);
            var good = process.Process.IsAlive() && (process.Name == Deployment.Broker || health?.Healthy == true);
            var found = process.Process.IsAlive() ? health?.Status ?? (process.Name == Deployment.Broker ? "runs" : "does not answer") : "has ended";
            checks.Add(new Check(process.Name, good, found, $"see {Path.GetRelativePath(access.Root, Path.Combine(access.Directory, "logs", process.Name + ".log"))}", Required: true));
        }

        return checks;
    }

    private sealed record Check(string Name, bool Good, string Found, string Advice, bool Required);
}
