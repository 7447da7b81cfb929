using System.Diagnostics;
using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>Measures the lag of one consumer, at most four times a second while it runs and once a second while it is stuck.</summary>
internal sealed class LagMeter(ConsumerLag lag, string topic, string group, KafkaOptions options, BrokerState broker)
{
    private static readonly TimeSpan Running = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(1);
    private long _last;

    /// <param name="consumer">Measured.</param>
    /// <param name="stuckOn">What it cannot get past, or null. A stuck consumer fetches nothing, so the broker is asked.</param>
    public void Measure(IConsumer<byte[], byte[]> consumer, string? stuckOn = null)
    {
        if (_last != 0 && Stopwatch.GetElapsedTime(_last) < (stuckOn is null ? Running : Stuck))
            return;
        _last = Stopwatch.GetTimestamp();
        var behind = 0L;
        try
        {
            foreach (var partition in consumer.Assignment)
            {
                var watermarks = stuckOn is null || broker.IsAway ? consumer.GetWatermarkOffsets(partition) : consumer.QueryWatermarkOffsets(partition, Stuck);
                var position = consumer.Position(partition);
                if (watermarks.High.Value > 0)
                    behind += watermarks.High.Value - (position.IsSpecial ? Math.Max(0, watermarks.Low.Value) : position.Value);
            }
        }
        catch (KafkaException)
        {
            // Revoked, or no answer, while measuring: the next measurement tells.
        }
        if (stuckOn is not null)
            behind = Math.Max(behind, 0) + 1;
        lag.Report(Status(Math.Max(behind, 0), stuckOn));
    }

    private LagStatus Status(long behind, string? stuckOn)
    {
        if (broker.IsAway)
            return new(topic, group, behind, Healthy: false, $"Kafka at {options.BootstrapServers} does not answer.");
        if (stuckOn is not null)
            return new(topic, group, behind, Healthy: false, $"Stuck on {stuckOn}; {behind} messages wait.");
        return behind > options.MaxLag
            ? new(topic, group, behind, Healthy: false, $"{behind} messages behind; {options.MaxLag} are allowed.")
            : new(topic, group, behind, Healthy: true, $"{behind} messages behind.");
    }
}
