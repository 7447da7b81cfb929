using System.Globalization;
using System.Text;
using TrainMover.Contracts.Telemetry;
using TrainMover.Messaging;

namespace TrainMover.Cli.Bench.Ingest;

/// <summary>The messages of a fleet that is well: two devices per machine with ten metrics each. A message is made once, and its id and times are written over for each round.</summary>
internal sealed class FleetTelemetry
{
    private const int Devices = 2;
    private const string Id = "00000000-0000-7000-8000-000000000000";
    private const string Time = "2026-03-01T00:00:00.0000000+00:00";

    private static readonly DateTimeOffset Begin = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly (string Metric, double Value)[] Metrics =
    [
        ("device.temperature", 61), ("device.temperature.slowdown", 92), ("device.clock.sm", 1755), ("device.clock.sm.max", 1980), ("device.clock.reasons", 4),
        ("device.utilization", 97), ("device.power", 642.25), ("device.ecc.uncorrected", 0), ("link.nvlink.crc-flit", 12), ("link.infiniband.state", 4),
    ];

    private readonly Machine[] _machines;

    public FleetTelemetry(int machines) => _machines = [.. Enumerable.Range(0, machines).Select(Make)];

    public int Machines => _machines.Length;

    public long Bytes => _machines.Sum(machine => (long)machine.Body.Length);

    /// <summary>The message of a machine in a round; valid until its next one.</summary>
    public (byte[] Key, byte[] Body) Message(int machine, int round)
    {
        var one = _machines[machine];
        Write(one.Body, one.IdAt + Id.Length - 12, (round * (long)_machines.Length) + machine, 12);
        var at = Begin + TimeSpan.FromSeconds(round);
        foreach (var place in one.TimesAt)
        {
            Write(one.Body, place + "2026-03-".Length, at.Day, 2);
            Write(one.Body, place + "2026-03-01T".Length, at.Hour, 2);
            Write(one.Body, place + "2026-03-01T00:".Length, at.Minute, 2);
            Write(one.Body, place + "2026-03-01T00:00:".Length, at.Second, 2);
        }

        return (one.Key, one.Body);
    }

    private static Machine Make(int number)
    {
        var name = $"gpu-node-{number:00000}";
        var metrics = Enumerable.Range(0, Devices).SelectMany(device => Metrics, (device, metric) => new DeviceMetric($"GPU-{number:x8}-{device:x4}", metric.Metric, metric.Value));
        var body = EnvelopeFormat.Write(new Envelope(Id, $"/trainmover/agent-{name}", Contracts.Catalog.Of(typeof(DeviceMetricsTaken)).Name, new DeviceMetricsTaken(name, Begin, [.. metrics])) { Subject = name, Time = Begin });
        // A whole second is written short; with its fraction every time stamp has the same length.
        var text = Encoding.UTF8.GetString(body).Replace("2026-03-01T00:00:00+00:00", Time, StringComparison.Ordinal).Replace("2026-03-01T00:00:00Z", Time, StringComparison.Ordinal);
        return new Machine(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(text), text.IndexOf(Id, StringComparison.Ordinal), [.. Places(text)]);
    }

    private static IEnumerable<int> Places(string text)
    {
        for (var at = text.IndexOf(Time, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Time, at + 1, StringComparison.Ordinal)) yield return at;
    }

    private static void Write(byte[] body, int at, long number, int digits) => number.TryFormat(body.AsSpan(at, digits), out _, $"D{digits}", CultureInfo.InvariantCulture);

    private sealed record Machine(byte[] Key, byte[] Body, int IdAt, int[] TimesAt);
}
