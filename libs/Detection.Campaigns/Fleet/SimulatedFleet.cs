using TrainMover.Detection.Campaigns.Manifest;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>A fleet in virtual time: what reaches the Detector in one run, in the order of its arrival. It follows from the run alone.</summary>
public static class SimulatedFleet
{
    /// <summary>All messages of a run.</summary>
    public static IEnumerable<Message> Messages(PlannedRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var dice = new Dice(run.Seed);
        MessageSource[] sources =
        [
            new JobSteps(run, dice.For("steps")), new PeerReports(run, dice.For("peers")), new CodeLines(run, dice.For("codes")),
            .. run.Machines.Select(machine => new AgentHeartbeats(run, machine, dice.For($"agent {machine}"))),
            .. run.Machines.Select(machine => new DeviceScrapes(run, machine, dice.For($"exporter {machine}"))),
        ];
        var next = new PriorityQueue<(int Source, Message Message), (TimeSpan At, int Source)>();
        for (var source = 0; source < sources.Length; source++) Follow(source);
        while (next.TryDequeue(out var first, out _))
        {
            yield return first.Message;
            Follow(first.Source);
        }

        void Follow(int source)
        {
            if (sources[source].Next() is { } message) next.Enqueue((source, message), (message.At, source));
        }
    }

    /// <summary>Minutes of metrics of machines that are well: what a model of their class learns from. They come from another seed than any run.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="machines">Machines.</param>
    /// <param name="length">How long each is looked at.</param>
    public static (IReadOnlyList<string> Metrics, IReadOnlyList<IReadOnlyList<double[]>> Samples) Normal(ulong seed, int machines, TimeSpan length)
    {
        var run = new PlannedRun(0, new Dice(seed).For("normal").Bits(), machines, 1, 0, TimeSpan.FromSeconds(1), length, null);
        return (DeviceScrapes.Learned, [.. run.Members.Select(machine => Minutes(run, machine))]);
    }

    private static IReadOnlyList<double[]> Minutes(PlannedRun run, string machine)
    {
        var scrapes = new DeviceScrapes(run, machine, new Dice(run.Seed).For($"exporter {machine}"));
        var taken = new List<Contracts.Telemetry.DeviceMetricsTaken>();
        while (scrapes.Next() is { } message) taken.Add((Contracts.Telemetry.DeviceMetricsTaken)message.Body);
        return
        [
            .. taken.GroupBy(scrape => scrape.TakenAt.UtcTicks / TimeSpan.TicksPerMinute).OrderBy(minute => minute.Key)
                .Select(minute => DeviceScrapes.Learned.Select(metric => minute.Average(scrape => scrape.Metrics.First(one => one.Metric == metric).Value)).ToArray()),
        ];
    }
}
