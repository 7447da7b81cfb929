using System.Globalization;
using System.Text.Json;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Otlp;

/// <summary>Reads OTLP exports of metrics in JSON.</summary>
public static class OtlpJson
{
    private static readonly string[] Numbers = ["gauge", "sum"];
    private static readonly string[] Others = ["histogram", "exponentialHistogram", "summary"];

    /// <summary>Reads an <c>ExportMetricsServiceRequest</c>.</summary>
    /// <exception cref="OtlpException">The body is none.</exception>
    public static IReadOnlyList<OtlpResource> Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("resourceMetrics", out _))
                throw new OtlpException("The body is no export of metrics in JSON: 'resourceMetrics' is missing.");
            return [.. Items(document.RootElement, "resourceMetrics").Select(Resource)];
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException or OverflowException or KeyNotFoundException or ArgumentException)
        {
            throw new OtlpException($"The body is no export of metrics in JSON: {broken.Message}");
        }
    }

    private static OtlpResource Resource(JsonElement resource)
    {
        var samples = new List<MetricSample>();
        var leftOut = 0;
        foreach (var metric in Items(resource, "scopeMetrics").SelectMany(scope => Items(scope, "metrics")))
        {
            var name = metric.TryGetProperty("name", out var text) ? text.GetString() ?? "" : "";
            foreach (var point in Numbers.SelectMany(kind => Points(metric, kind)))
            {
                if (name.Length > 0 && Value(point) is { } value) samples.Add(new MetricSample(name, Attributes(point), value, Time(point)));
                else leftOut++;
            }

            leftOut += Others.Sum(kind => Points(metric, kind).Count());
        }

        return new OtlpResource(resource.TryGetProperty("resource", out var described) ? Attributes(described) : new Dictionary<string, string>(StringComparer.Ordinal), samples, leftOut);
    }

    private static IEnumerable<JsonElement> Points(JsonElement metric, string kind) => metric.TryGetProperty(kind, out var data) ? Items(data, "dataPoints") : [];

    private static IEnumerable<JsonElement> Items(JsonElement parent, string list) => parent.TryGetProperty(list, out var items) ? items.EnumerateArray() : [];

    private static double? Value(JsonElement point)
    {
        if (point.TryGetProperty("asDouble", out var number)) return number.ValueKind == JsonValueKind.Number ? number.GetDouble() : double.Parse(number.GetString()!, CultureInfo.InvariantCulture);
        if (!point.TryGetProperty("asInt", out number)) return null;
        // 64 bits are text in this JSON.
        return number.ValueKind == JsonValueKind.Number ? number.GetDouble() : long.Parse(number.GetString()!, CultureInfo.InvariantCulture);
    }

    private static DateTimeOffset? Time(JsonElement point) =>
        point.TryGetProperty("timeUnixNano", out var time) && ulong.TryParse(time.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds) ? OtlpTime.Of(nanoseconds) : null;

    private static Dictionary<string, string> Attributes(JsonElement parent)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var attribute in Items(parent, "attributes"))
        {
            if (attribute.GetProperty("key").GetString() is { Length: > 0 } key && attribute.TryGetProperty("value", out var value))
                attributes[key] = value.EnumerateObject().FirstOrDefault() is { Value.ValueKind: not JsonValueKind.Undefined } kind ? kind.Value.ToString() : "";
        }

        return attributes;
    }
}
