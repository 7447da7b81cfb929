using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TrainMover.Collectives.Tests.Failures;

/// <summary>A rank in a process of its own: this very program, started again with a variable set. It says its port, reads the topology, and sums until it ends.</summary>
internal sealed partial class RankProcess : IAsyncDisposable
{
    private const string Variable = "TRAINMOVER_TEST_RANK";
    private const int StopSignal = 19;
    private const int PidFdOpen = 434;
    private const int PidFdGet = 438;
    private readonly List<SafeFileHandle> _kept = [];
    private readonly Process _process;

    private RankProcess(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public static async Task<RankProcess> StartAsync(int rank)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment[Variable] = rank.ToString();
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync(Cluster.Deadline()) ?? throw new InvalidOperationException("The rank's process said nothing.");
        return new RankProcess(process, int.Parse(line));
    }

    public Task TellAsync(IEnumerable<int> ports) => _process.StandardInput.WriteLineAsync(string.Join(' ', ports));

    public void Kill() => _process.Kill();

    public void Stop() => SendSignal(_process.Id, StopSignal).ShouldBe(0);

    /// <summary>Has this process keep whatever the other one has open: when that one is killed, none of its ordinary connections closes.</summary>
    public void KeepItsConnectionsOpen()
    {
        var process = (int)Call(PidFdOpen, _process.Id, 0, 0);
        process.ShouldBeGreaterThanOrEqualTo(0);
        foreach (var entry in Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/fd"))
        {
            // What it closes meanwhile cannot be had.
            var kept = (nint)Call(PidFdGet, process, int.Parse(Path.GetFileName(entry)), 0);
            if (kept >= 0)
                _kept.Add(new SafeFileHandle(kept, ownsHandle: true));
        }

        _kept.Add(new SafeFileHandle(process, ownsHandle: true));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var kept in _kept)
            kept.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync(Cluster.Deadline());
        _process.Dispose();
    }

    public static Topology TopologyOf(IEnumerable<int> ports) =>
        new("job", 1, [.. ports.Select((port, rank) => new Member(rank, $"m{rank}", "127.0.0.1", port))], Cluster.Key);

    // Runs before the test runner's own entry point: a child never becomes a test run. Other threads wait for a module's initializer, so no code of this one may be theirs.
    [ModuleInitializer]
    internal static void RunWhenAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } rank)
            return;
        Sum(int.Parse(rank));
        Environment.Exit(0);
    }

    private static void Sum(int rank)
    {
        var endpoint = Endpoint.Listen($"m{rank}", IPAddress.Loopback);
        Console.Out.WriteLine(endpoint.Port);
        if (Console.In.ReadLine() is not { } line)
            return;
        var group = endpoint.CreateGroupsAsync(TopologyOf(line.Split(' ').Select(int.Parse)), CancellationToken.None).GetAwaiter().GetResult().DataParallel;
        var buffer = new float[100_000];
        try
        {
            while (true)
                group.AllReduce(buffer, ReduceOperation.Sum);
        }
        catch (CollectiveException)
        {
            // The test is over.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long Call(long number, long first, long second, long third);
}
