using System.Diagnostics;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>The rival: Debian's OpenMPI, installed where it is missing, with our own timing program compiled for it.</summary>
internal sealed class OpenMpi(string program, string version)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public string Version { get; } = version;

    /// <summary>What users tune; each setting is measured, and for each point the best one counts.</summary>
    public static IReadOnlyList<Setting> Grid(string transport)
    {
        const string Tuned = "--mca coll_tuned_use_dynamic_rules 1";
        var common = transport == "tcp" ? "--mca btl self,tcp" : "--mca btl self,vader";
        Setting[] settings =
        [
            new("yield when idle", "--mca mpi_yield_when_idle 1"),
            new("spin when idle", "--mca mpi_yield_when_idle 0"),
            new("yield, ring and chain", $"--mca mpi_yield_when_idle 1 {Tuned} --mca coll_tuned_allreduce_algorithm 4 --mca coll_tuned_allgather_algorithm 4 "
                + "--mca coll_tuned_bcast_algorithm 3 --mca coll_tuned_bcast_algorithm_segmentsize 131072"),
            new("yield, segmented ring and pipeline", $"--mca mpi_yield_when_idle 1 {Tuned} --mca coll_tuned_allreduce_algorithm 5 --mca coll_tuned_allreduce_algorithm_segmentsize 262144 "
                + "--mca coll_tuned_allgather_algorithm 5 --mca coll_tuned_bcast_algorithm 3 --mca coll_tuned_bcast_algorithm_chain_fanout 1"),
            new("yield, recursive doubling and binary tree", $"--mca mpi_yield_when_idle 1 {Tuned} --mca coll_tuned_allreduce_algorithm 3 --mca coll_tuned_allgather_algorithm 3 "
                + "--mca coll_tuned_bcast_algorithm 5 --mca coll_tuned_bcast_algorithm_segmentsize 32768"),
            transport == "tcp"
                ? new("yield, larger eager messages and segments", "--mca mpi_yield_when_idle 1 --mca btl_tcp_eager_limit 262144 --mca btl_tcp_rndv_eager_limit 262144 --mca btl_tcp_max_send_size 524288")
                : new("yield, no single copy, larger eager messages", "--mca mpi_yield_when_idle 1 --mca btl_vader_single_copy_mechanism none --mca btl_vader_eager_limit 32768"),
        ];
        return [.. settings.Select(setting => setting with { Arguments = $"{common} {setting.Arguments}" })];
    }

    /// <summary>The same settings, each with what our side does of itself and OpenMPI leaves to its user and to the system: buffers in pages of 2 MB, and little under way on a connection inside a host.</summary>
    public static IReadOnlyList<Setting> GridGivenOurMeans(string transport) =>
        [.. Grid(transport).Select(setting => new Setting($"{setting.Name}, with our means", transport == "tcp" ? $"{setting.Arguments} --mca btl_tcp_sndbuf 393216" : setting.Arguments, GivenOurMeans: true))];

    public static async Task<OpenMpi> PrepareAsync(Access access, IProgress<string> progress, CancellationToken ct)
    {
        if (await Programs.TryRunAsync("mpicc", "--version", Limit, ct) is null)
        {
            if (Environment.UserName != "root")
                throw new BadInputException("OpenMPI is missing: install it (Debian: apt-get install --no-install-recommends openmpi-bin libopenmpi-dev).");
            progress.Report("installing OpenMPI (apt-get install --no-install-recommends openmpi-bin libopenmpi-dev)");
            _ = await Programs.TryRunAsync("apt-get", "update -q", TimeSpan.FromMinutes(2), ct);
            _ = await Programs.TryRunAsync("apt-get", "install -y -q --no-install-recommends openmpi-bin libopenmpi-dev gcc libc6-dev", TimeSpan.FromMinutes(5), ct)
                ?? throw new BadInputException("OpenMPI could not be installed: apt-get install openmpi-bin libopenmpi-dev says why.");
        }

        var folder = Directory.CreateDirectory(Path.Combine(access.Directory, "bench")).FullName;
        var source = Path.Combine(folder, "openmpi.c");
        await using (var file = File.Create(source))
            await typeof(OpenMpi).Assembly.GetManifestResourceStream("openmpi.c")!.CopyToAsync(file, ct);
        var program = Path.Combine(folder, "openmpi");
        _ = await Programs.TryRunAsync("mpicc", $"-O3 -march=native -o {program} {source}", Limit, ct) ?? throw new BadInputException($"mpicc could not compile {source}.");
        var version = await Programs.TryRunAsync("mpirun", "--version", Limit, ct);
        return new OpenMpi(program, version?.Split('\n')[0].Replace("mpirun (", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal) ?? "OpenMPI");
    }

    /// <summary>What it measured; less than all points when a setting is so slow that it was given up.</summary>
    public async Task<IReadOnlyList<Measured>> RunAsync(Setting setting, int ranks, CancellationToken ct)
    {
        var memory = setting.GivenOurMeans ? "large-pages" : "";
        var text = await Programs.OutputAsync("mpirun", $"--allow-run-as-root --oversubscribe -np {ranks} {setting.Arguments} {program} {memory}", Limit, ct);
        return [.. text.Split('\n').Select(Measured.Parse).OfType<Measured>()];
    }

    internal sealed record Setting(string Name, string Arguments, bool GivenOurMeans = false);
}
