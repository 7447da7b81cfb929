using Google.Protobuf;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Otlp;

/// <summary>Reads OTLP exports of metrics in protobuf: of the fields those that a sample is made of.</summary>
public static class OtlpProtobuf
{
    private delegate void Field(uint tag, CodedInputStream input);

    /// <summary>Reads an <c>ExportMetricsServiceRequest</c>.</summary>
    /// <exception cref="OtlpException">The body is none.</exception>
    public static IReadOnlyList<OtlpResource> Read(byte[] body)
    {
        try
        {
            var resources = new List<OtlpResource>();
            Each(new CodedInputStream(body), (tag, input) =>
            {
                if (tag == Tag(1)) resources.Add(Resource(Message(input)));
                else input.SkipLastField();
            });
            return resources;
        }
        catch (Exception broken) when (broken is InvalidProtocolBufferException or InvalidOperationException or ArgumentException)
        {
            throw new OtlpException($"The body is no export of metrics in protobuf: {broken.Message}");
        }
    }

    private static OtlpResource Resource(CodedInputStream resource)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        var samples = new List<MetricSample>();
        var leftOut = 0;
        Each(resource, (tag, input) =>
        {
            if (tag == Tag(1)) Each(Message(input), (field, inner) => Attribute(field == Tag(1), inner, attributes));
            else if (tag == Tag(2)) Each(Message(input), (field, inner) =>
            {
                if (field == Tag(2)) leftOut += Metric(Message(inner), samples);
                else inner.SkipLastField();
            });
            else input.SkipLastField();
        });
        return new OtlpResource(attributes, samples, leftOut);
    }

    private static int Metric(CodedInputStream metric, List<MetricSample> samples)
    {
        var name = "";
        var points = new List<CodedInputStream>();
        var leftOut = 0;
        Each(metric, (tag, input) =>
        {
            if (tag == Tag(1)) name = input.ReadString();
            else if (tag == Tag(5) || tag == Tag(7)) Points(Message(input), points.Add);
            else if (tag == Tag(9) || tag == Tag(10) || tag == Tag(11)) Points(Message(input), _ => leftOut++);
            else input.SkipLastField();
        });
        foreach (var point in points)
        {
            if (Sample(name, point) is { } sample) samples.Add(sample);
            else leftOut++;
        }

        return leftOut;
    }

    private static void Points(CodedInputStream data, Action<CodedInputStream> take) => Each(data, (tag, input) =>
    {
        if (tag == Tag(1)) take(Message(input));
        else input.SkipLastField();
    });

    private static MetricSample? Sample(string name, CodedInputStream point)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        double? value = null;
        ulong nanoseconds = 0;
        Each(point, (tag, input) =>
        {
            if (tag == Fixed(3)) nanoseconds = input.ReadFixed64();
            else if (tag == Fixed(4)) value = input.ReadDouble();
            else if (tag == Fixed(6)) value = input.ReadSFixed64();
            else Attribute(tag == Tag(7), input, labels);
        });
        return value is { } number && name.Length > 0 ? new MetricSample(name, labels, number, OtlpTime.Of(nanoseconds)) : null;
    }

    private static void Attribute(bool isOne, CodedInputStream input, Dictionary<string, string> attributes)
    {
        if (!isOne)
        {
            input.SkipLastField();
            return;
        }

        string key = "", value = "";
        Each(Message(input), (tag, pair) =>
        {
            if (tag == Tag(1)) key = pair.ReadString();
            else if (tag == Tag(2)) Each(Message(pair), (kind, any) => value = Value(kind, any));
            else pair.SkipLastField();
        });
        if (key.Length > 0) attributes[key] = value;
    }

    private static string Value(uint kind, CodedInputStream any)
    {
        if (kind == Tag(1)) return any.ReadString();
        if (kind == Varint(2)) return any.ReadBool() ? "true" : "false";
        if (kind == Varint(3)) return $"{any.ReadInt64()}";
        if (kind == Fixed(4)) return $"{any.ReadDouble()}";
        any.SkipLastField();
        return "";
    }

    private static void Each(CodedInputStream message, Field take)
    {
        while (message.ReadTag() is not 0 and var tag) take(tag, message);
    }

    private static CodedInputStream Message(CodedInputStream input) => new(input.ReadBytes().ToByteArray());

    private static uint Tag(int field) => WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited);

    private static uint Varint(int field) => WireFormat.MakeTag(field, WireFormat.WireType.Varint);

    private static uint Fixed(int field) => WireFormat.MakeTag(field, WireFormat.WireType.Fixed64);
}
