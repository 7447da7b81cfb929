using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Messaging;
using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Otlp;
using TrainMover.Telemetry.Prometheus;
using MessageKey = TrainMover.Contracts.MessageKey;

namespace TrainMover.Detector.Ingest;

/// <summary>
/// Telemetry over HTTP, for whoever has no Kafka client. What comes in goes to the telemetry topic first, so that it takes the same way, survives the same outages and is dropped as a
/// repeat in the same place as everything else.
/// </summary>
internal static class IngestEndpoints
{
    private const string Protobuf = "application/x-protobuf";
    private const string Json = "application/json";
    private const string CloudEvent = "application/cloudevents+json";
    private const int MetricsPerMessage = 1000;

    public static void MapIngest(this WebApplication app)
    {
        app.MapPost("/v1/metrics", (HttpRequest request, KafkaPublisher publisher, TimeProvider clock, CancellationToken ct) =>
            AnswerAsync(request, [Protobuf, Json], (body, type) => Metrics(body, type == Protobuf, clock.GetUtcNow()), type => type == Protobuf ? Results.Bytes([], Protobuf) : Results.Json(new { }), publisher, ct));
        app.MapPost("/v1/telemetry", (HttpRequest request, KafkaPublisher publisher, CancellationToken ct) =>
            AnswerAsync(request, [CloudEvent, Json], (body, _) => [Telemetry(body)], _ => Results.Accepted(), publisher, ct));
    }

    private static async Task<IResult> AnswerAsync(
        HttpRequest request, string[] types, Func<byte[], string, IReadOnlyList<object>> read, Func<string, IResult> done, KafkaPublisher publisher, CancellationToken ct)
    {
        var type = request.ContentType?.Split(';')[0].Trim() ?? "";
        if (!types.Contains(type, StringComparer.OrdinalIgnoreCase)) return Error(StatusCodes.Status415UnsupportedMediaType, $"The content type is '{type}'; there are {string.Join(", ", types)}.");
        if (request.Headers.ContentEncoding.ToString() is not ("" or "identity" or "gzip") and var encoding) return Error(StatusCodes.Status415UnsupportedMediaType, $"The content encoding is '{encoding}'; there are gzip and none.");
        try
        {
            if (await BoundedBody.ReadAsync(request, ct) is not { } body) return Error(StatusCodes.Status413PayloadTooLarge, $"The body has more than {BoundedBody.MostBytes} bytes.");
            foreach (var message in read(body, type.ToLowerInvariant()))
            {
                var envelope = message as Envelope ?? publisher.Wrap(message, MessageKey.Of(message));
                await publisher.PublishAsync(MessageKey.Of(envelope.Data), envelope, ct);
            }

            return done(type.ToLowerInvariant());
        }
        catch (Exception wrong) when (wrong is OtlpException or BadTelemetryException or InvalidDataException or BadHttpRequestException or MessageTooLargeException)
        {
            return Error(StatusCodes.Status400BadRequest, wrong.Message);
        }
        catch (BrokerUnavailableException away)
        {
            return Error(StatusCodes.Status503ServiceUnavailable, away.Message);
        }
    }

    private static List<object> Metrics(byte[] body, bool isProtobuf, DateTimeOffset now)
    {
        var messages = new List<object>();
        foreach (var resource in isProtobuf ? OtlpProtobuf.Read(body) : OtlpJson.Read(body))
        {
            var machine = resource.Machine is { Length: > 0 } named ? named : throw new BadTelemetryException("A resource names no machine: give it the attribute trainmover.machine or host.name.");
            var known = DcgmMetrics.Map(resource.Samples).Where(sample => DeviceMetrics.IsKnown(sample.Metric)).Select(sample => new DeviceMetric(sample.Device, sample.Metric, sample.Value));
            var takenAt = resource.Samples.Max(sample => sample.Time) ?? now;
            messages.AddRange(known.Chunk(MetricsPerMessage).Select(chunk => new DeviceMetricsTaken(machine, takenAt, chunk)));
        }

        return messages;
    }

    private static Envelope Telemetry(byte[] body) => EnvelopeFormat.Read(body, BoundedBody.MostBytes) switch
    {
        Reading.Readable { Envelope: var envelope } when Catalog.Of(envelope.Data.GetType()).Topic == Topics.Telemetry => envelope,
        Reading.Readable { Envelope: var envelope } => throw new BadTelemetryException($"{envelope.Type} is no telemetry; docs/events.md lists what is."),
        Reading.Unreadable unreadable => throw new BadTelemetryException(unreadable.Detail),
        _ => throw new BadTelemetryException("The body cannot be read."),
    };

    private static IResult Error(int status, string reason) => Results.Json(new { error = reason }, statusCode: status);
}

/// <summary>A request holds no telemetry; the message says why.</summary>
internal sealed class BadTelemetryException(string message) : Exception(message);
