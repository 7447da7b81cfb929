using System.Diagnostics;
using System.Text;
using TrainMover.Telemetry.KernelLog;
using TrainMover.Telemetry.Policy;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Telemetry.Fuzzing;

/// <summary>What a run with broken lines showed.</summary>
/// <param name="Lines">Lines that were read.</param>
/// <param name="Faults">Lines that told of an error of a machine.</param>
/// <param name="Samples">Lines that held a sample of a metric.</param>
/// <param name="Exceptions">Lines on which a parser threw.</param>
/// <param name="FirstException">The first exception, with its line in base 64; null where there was none.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="LinesPerSecond">Lines per second, mutation included.</param>
/// <param name="PeakManagedBytes">Greatest managed heap that was seen, after collections.</param>
public sealed record FuzzResult(
    long Lines, long Faults, long Samples, long Exceptions, string? FirstException, double Seconds, double LinesPerSecond, long PeakManagedBytes);

/// <summary>Feeds broken lines to the parsers of the sources: whatever comes, they give an error, a sample or nothing, and take no memory that grows.</summary>
public static class ParserFuzz
{
    private const int LookEvery = 65_536;
    private const int MetricEvery = 4;

    private static readonly string[] Metrics =
    [
        """DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-1",device="nvidia0",modelName="Tesla T4"} 25""",
        """http_requests_total{path="C:\\DIR",error="a\n\"b\""} 3 1395066363000""",
        "up NaN", "# HELP up Whether it is up.", "x{} -Inf 1.5 # {trace=\"1\"} 2",
    ];

    private static readonly string[] KernelLines =
    [
        "[131453.740743] nvidia-nvswitch0: SXid (PCI:0000:00:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
        "kern  :warn  : 2025-01-21T04:41:44,287197+00:00 NVRM: Xid (PCI:0000:38:00): 43, pid=2924364, name=pt_main_thread, Ch 00000008",
        "[Sun Feb 23 16:24:18 2025] NVRM: Xid (PCI:0018:01:00): 145, pid=876767, name=ray::WorkerDict, RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x00000008 0x00000001)",
        "6,3964,206764307,-;nvidia-peermem nv_get_p2p_free_callback:127 ERROR detected invalid context, skipping further processing",
        "4,3965,206764308,+;more \\x0a NVRM: The NVIDIA GPU 0000:18:00.0", "NVRM: fallen off the bus and is not responding to commands.",
        """{"_TRANSPORT":"kernel","PRIORITY":"4","__REALTIME_TIMESTAMP":"1740327858000000","MESSAGE":"NVRM: Xid (PCI:0009:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)"}""",
        """{"MESSAGE":[78,86,82,77,58,32,88,105,100],"_TRANSPORT":"kernel","OTHER":{"deep":[1,2]}}""",
        "Dec  1 14:54:40 node7 kernel: [12.5] pt_main_thread[2536443]: segfault at 7f79 ip 00007f sp 00007f error 4 in libnccl.so.2[7f7c7ac00000+d3d3000]",
        "INFO: task jfsmount:136986 blocked for more than 120 seconds.", "<3>[   13.5] watchdog: BUG: soft lockup - CPU#18 stuck for 27s! [python3:2254956]",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=evil,pid=19667,uid=0",
        "detected NVSwitch non-fatal error 12028 on fid 0 on NVSwitch pci bus id 00000000:86:00.0 physical id 3 port 61", "mlx5_core 0000:d2:00.0: mlx5_cmd_out_err:838:(pid 1): ACCESS_REG(0x805) op_mod(0x1) failed",
    ];

    /// <summary>Runs.</summary>
    /// <param name="lines">How many lines; at least 1.</param>
    /// <param name="seed">Start of the random numbers: the same seed makes the same lines.</param>
    /// <param name="more">Further lines to begin with.</param>
    /// <param name="progress">Told the share that is done, from 0 to 1.</param>
    /// <param name="ct">Ends the run early.</param>
    public static FuzzResult Run(long lines, int seed, IEnumerable<string>? more = null, IProgress<double>? progress = null, CancellationToken ct = default)
    {
        var kernel = new LineMutator([.. KernelLines.Concat(more ?? []).Select(Encoding.UTF8.GetBytes)], seed);
        var metrics = new LineMutator([.. Metrics.Select(Encoding.UTF8.GetBytes)], seed + 1);
        var run = new State();
        var started = Stopwatch.GetTimestamp();
        for (long i = 0; i < lines; i++)
        {
            if (i % MetricEvery == 0) run.Metric(metrics.Next());
            else run.Kernel(kernel.Next());
            if (i % LookEvery != 0) continue;
            run.Look();
            progress?.Report((double)i / lines);
            ct.ThrowIfCancellationRequested();
        }

        run.Look();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new FuzzResult(lines, run.Faults, run.Samples, run.Exceptions, run.First, seconds, lines / seconds, run.Peak);
    }

    private sealed class State
    {
        private readonly KernelLogDecoder _decoder = new("fuzz");
        private readonly LineSplitter _splitter = new();
        private readonly LineTaker _take;

        public State() => _take = Decode;

        public long Faults { get; private set; }

        public long Samples { get; private set; }

        public long Exceptions { get; private set; }

        public string? First { get; private set; }

        public long Peak { get; private set; }

        public void Look() => Peak = Math.Max(Peak, GC.GetTotalMemory(forceFullCollection: true));

        public void Kernel(ReadOnlySpan<byte> line)
        {
            try
            {
                _splitter.Add(line, _take);
                _splitter.Add("\n"u8, _take);
            }
            catch (Exception thrown)
            {
                Note(thrown, line);
            }
        }

        public void Metric(ReadOnlySpan<byte> line)
        {
            try
            {
                Samples += DcgmMetrics.Map(PrometheusText.Parse(Encoding.UTF8.GetString(line)).Samples).Count;
            }
            catch (Exception thrown)
            {
                Note(thrown, line);
            }
        }

        private void Decode(ReadOnlySpan<byte> line)
        {
            if (_decoder.Decode(line) is not { } record) return;
            Faults++;
            ErrorCodePolicy.Default.RuleFor(ObservedFault.Of(record, DateTimeOffset.UnixEpoch, "/fuzz", "1"));
        }

        private void Note(Exception thrown, ReadOnlySpan<byte> line)
        {
            Exceptions++;
            First ??= $"{thrown.GetType().Name}: {thrown.Message} {thrown.StackTrace} on {Convert.ToBase64String(line)}";
        }
    }
}
