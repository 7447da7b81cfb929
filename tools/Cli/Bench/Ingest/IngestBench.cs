using System.Diagnostics;
using Confluent.Kafka;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts;
using TrainMover.Embedded;

namespace TrainMover.Cli.Bench.Ingest;

/// <summary>Messages per second of one reader that finds all of them waiting.</summary>
/// <param name="Kind">Which reader.</param>
/// <param name="PerSecond">Messages per second after the warm-up.</param>
/// <param name="BytesPerMessage">Managed memory that was allocated per message.</param>
internal sealed record IngestRun(string Kind, double PerSecond, double BytesPerMessage);

/// <summary>A fleet that sends once a second, while the Detector's reader keeps up with it or does not.</summary>
/// <param name="Seconds">Length of the part that is measured.</param>
/// <param name="SentPerSecond">Messages that were sent.</param>
/// <param name="ReadPerSecond">Messages that were read.</param>
/// <param name="MostBehind">Messages that had been sent and not been read, at most.</param>
/// <param name="ProcessorShare">Processor time of the reader, of one processor's.</param>
/// <param name="ResidentMiB">Resident memory at ten times, evenly spread.</param>
/// <param name="GrowthMiB">Largest of the second half less largest of the first half.</param>
internal sealed record SteadyRun(
    double Seconds, double SentPerSecond, double ReadPerSecond, long MostBehind, double ProcessorShare, IReadOnlyList<double> ResidentMiB, double GrowthMiB);

internal sealed record IngestReport(
    int Machines, int MetricsPerMachine, double BytesPerMessage, IReadOnlyList<IngestRun> Runs, double OfObjects, double OfTokens, double RatioBar, SteadyRun Steady, bool RatioMet, bool KeepsUp, bool MemoryFlat)
{
    public bool AllMet => RatioMet && KeepsUp && MemoryFlat;
}

/// <summary>Telemetry of 20,000 machines: the Detector's way of reading it on one processor, beside a bare client that only parses it.</summary>
internal static class IngestBench
{
    private const int Machines = 20_000;
    private const int MetricsPerMachine = 20;
    private const int Partitions = 48;
    private const int PreloadedRounds = 4;
    private const int WarmUp = 20_000;
    private const int Rounds = 9;
    private const double RatioBar = 0.8;
    private const double FlatMiB = 32;
    private static readonly string[] Kinds = [IngestReader.Objects, IngestReader.Tokens, IngestReader.Detector];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static async Task<IngestReport> RunAsync(int seconds, IProgress<string> progress, CancellationToken ct)
    {
        var fleet = new FleetTelemetry(Machines);
        var runs = await CompareAsync(fleet, progress, ct);
        progress.Report($"{Machines} machines send once a second, for {seconds} s");
        var steady = await SteadyAsync(fleet, seconds, ct);
        var (ofObjects, ofTokens) = (Ratio(runs, IngestReader.Objects), Ratio(runs, IngestReader.Tokens));
        return new IngestReport(
            Machines, MetricsPerMachine, fleet.Bytes / (double)Machines, runs, ofObjects, ofTokens, RatioBar, steady, Math.Min(ofObjects, ofTokens) >= RatioBar,
            steady.ReadPerSecond >= 0.99 * Machines && steady.SentPerSecond >= 0.99 * Machines && steady.MostBehind < 2 * Machines, steady.GrowthMiB < FlatMiB);
    }

    public static void Tell(Output output, IngestReport report)
    {
        var table = Output.Table("reader", "messages per second", "bytes allocated per message");
        foreach (var run in report.Runs) table.Row(run.Kind, $"{run.PerSecond:N0}", $"{run.BytesPerMessage:N0}");
        output.Console.Write(table);
        var steady = report.Steady;
        output.Line($"One processor, {report.BytesPerMessage:N0} bytes per message, all waiting in the embedded broker: the Detector's reader takes {report.OfObjects:0.00} of what a bare client takes that parses into objects ({Met(report.RatioMet)}, bar {report.RatioBar}), and {report.OfTokens:0.00} of one that goes over the tokens and keeps nothing; medians of {Rounds} ratios, each of readers that ran one after the other.");
        output.Line($"{report.Machines:N0} machines once a second for {steady.Seconds:0} s: {steady.SentPerSecond:N0} sent and {steady.ReadPerSecond:N0} read per second, at most {steady.MostBehind:N0} behind, {steady.ProcessorShare:0%} of the processor ({Met(report.KeepsUp)}).");
        output.Line($"Resident memory {string.Join(", ", steady.ResidentMiB.Select(mib => $"{mib:0}"))} MiB, growth {steady.GrowthMiB:0.0} MiB from half to half ({Met(report.MemoryFlat)}, bar {FlatMiB:0}).");
    }

    private static async Task<IReadOnlyList<IngestRun>> CompareAsync(FleetTelemetry fleet, IProgress<string> progress, CancellationToken ct)
    {
        using var broker = EmbeddedBroker.Start();
        const string Prefix = "bench.";
        broker.CreateTopic(Prefix + Topics.Telemetry, Partitions);
        using (var producer = Producer(broker))
        {
            for (var round = 0; round < PreloadedRounds; round++) Send(producer, Prefix, fleet, round, 0, fleet.Machines);
            producer.Flush(Limit);
        }

        var runs = new List<IngestRun>();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var kind in Kinds)
            {
                progress.Report($"reading {PreloadedRounds * fleet.Machines:N0} messages: {kind}, {round + 1} of {Rounds}");
                runs.Add(await MeasureAsync(kind, broker, Prefix, $"{Array.IndexOf(Kinds, kind)}-{round}", PreloadedRounds * fleet.Machines, ct));
            }
        }

        return runs;
    }

    private static async Task<IngestRun> MeasureAsync(string kind, EmbeddedBroker broker, string prefix, string group, long messages, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Limit);
        using var reader = ReaderProcess.Start(kind, broker.BootstrapServers, prefix, group);
        ReaderMark? first = null, last = null;
        while (last is null || last.Messages < messages - 2000)
        {
            last = await reader.NextAsync(deadline.Token) ?? throw new BadInputException($"The reader \"{kind}\" ended early.");
            if (last.Messages >= WarmUp) first ??= last;
        }

        var read = last.Messages - first!.Messages;
        return new IngestRun(kind, read / Stopwatch.GetElapsedTime(first.Timestamp, last.Timestamp).TotalSeconds, (last.AllocatedBytes - first.AllocatedBytes) / (double)read);
    }

    private static async Task<SteadyRun> SteadyAsync(FleetTelemetry fleet, int seconds, CancellationToken ct)
    {
        using var broker = EmbeddedBroker.Start();
        const string Prefix = "steady.";
        broker.CreateTopic(Prefix + Topics.Telemetry, Partitions);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(TimeSpan.FromSeconds(seconds) + Limit);
        using var reader = ReaderProcess.Start(IngestReader.Detector, broker.BootstrapServers, Prefix, "steady");
        using var producer = Producer(broker);

        var sent = 0L;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        var sending = Task.Factory.StartNew(
            () => SendSteadily(producer, Prefix, fleet, count => Volatile.Write(ref sent, count), ended.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        // The first rounds warm up, and show every machine once.
        ReaderMark? first = null;
        var marks = new List<(ReaderMark Mark, long Sent)>();
        while (first is null || Stopwatch.GetElapsedTime(first.Timestamp, marks[^1].Mark.Timestamp).TotalSeconds < seconds)
        {
            var mark = await reader.NextAsync(deadline.Token) ?? throw new BadInputException("The reader ended early.");
            if (mark.Messages >= 5 * fleet.Machines) first ??= mark;
            if (first is not null) marks.Add((mark, Volatile.Read(ref sent)));
        }

        await ended.CancelAsync();
        await sending;
        var (begin, end) = (marks[0], marks[^1]);
        var length = Stopwatch.GetElapsedTime(begin.Mark.Timestamp, end.Mark.Timestamp).TotalSeconds;
        var resident = Enumerable.Range(0, 10).Select(tenth => marks[(marks.Count - 1) * (tenth + 1) / 10].Mark.ResidentBytes / 1048576.0).ToList();
        return new SteadyRun(
            length, (end.Sent - begin.Sent) / length, (end.Mark.Messages - begin.Mark.Messages) / length, marks.Max(mark => mark.Sent - mark.Mark.Messages),
            (end.Mark.CpuMs - begin.Mark.CpuMs) / 1000 / length, resident, resident.Skip(5).Max() - resident.Take(5).Max());
    }

    private static void SendSteadily(IProducer<byte[], byte[]> producer, string prefix, FleetTelemetry fleet, Action<long> sent, CancellationToken ct)
    {
        const int Slices = 50;
        var started = Stopwatch.GetTimestamp();
        for (var slice = 0; !ct.IsCancellationRequested; slice++)
        {
            var due = TimeSpan.FromSeconds(slice / (double)Slices) - Stopwatch.GetElapsedTime(started);
            if (due > TimeSpan.Zero && ct.WaitHandle.WaitOne(due)) return;
            var (round, part) = Math.DivRem(slice, Slices);
            Send(producer, prefix, fleet, round, fleet.Machines * part / Slices, fleet.Machines * (part + 1) / Slices);
            sent((long)round * fleet.Machines + (fleet.Machines * (part + 1) / Slices));
        }
    }

    private static void Send(IProducer<byte[], byte[]> producer, string prefix, FleetTelemetry fleet, int round, int from, int to)
    {
        for (var machine = from; machine < to; machine++)
        {
            var (key, body) = fleet.Message(machine, round);
            var message = new Message<byte[], byte[]> { Key = key, Value = body };
            while (true)
            {
                try
                {
                    producer.Produce(new TopicPartition(prefix + Topics.Telemetry, machine % Partitions), message);
                    break;
                }
                catch (ProduceException<byte[], byte[]> full) when (full.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(10));
                }
            }
        }
    }

    // As producers with many messages do: in batches.
    private static IProducer<byte[], byte[]> Producer(EmbeddedBroker broker) => new ProducerBuilder<byte[], byte[]>(new ProducerConfig
    {
        BootstrapServers = broker.BootstrapServers,
        Acks = Acks.Leader,
        LingerMs = 50,
        BatchSize = 900_000,
        QueueBufferingMaxKbytes = 256 * 1024,
        EnableDeliveryReports = false,
    }).Build();

    // Round by round: what slows the machine down for a while slows down both.
    private static double Ratio(IReadOnlyList<IngestRun> runs, string kind) => runs.Chunk(Kinds.Length).Select(round => PerSecond(round, IngestReader.Detector) / PerSecond(round, kind)).Median();

    private static double PerSecond(IngestRun[] round, string kind) => round.Single(run => run.Kind == kind).PerSecond;

    private static string Met(bool met) => met ? "met" : "NOT MET";
}
