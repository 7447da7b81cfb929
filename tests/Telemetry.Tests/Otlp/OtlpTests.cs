using System.Text;
using Google.Protobuf;
using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Otlp;

namespace TrainMover.Telemetry.Tests.Otlp;

public sealed class OtlpTests
{
    private const string Export = """
        {"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"m1"}},{"key":"cores","value":{"intValue":"8"}}]},"scopeMetrics":[{"scope":{"name":"x"},"metrics":[
          {"name":"DCGM_FI_DEV_GPU_TEMP","gauge":{"dataPoints":[{"attributes":[{"key":"UUID","value":{"stringValue":"GPU-1"}}],"timeUnixNano":"1740327858000000000","asDouble":61.5}]}},
          {"name":"device.ecc.uncorrected","sum":{"dataPoints":[{"asInt":"3"},{}]}},
          {"name":"h","histogram":{"dataPoints":[{"count":"1"}]}}]}]}]}
        """;

    private static readonly DateTimeOffset Time = new(2025, 2, 23, 16, 24, 18, TimeSpan.Zero);

    [Fact]
    public void An_export_in_json_is_read() => ShouldBeTheExport(OtlpJson.Read(Encoding.UTF8.GetBytes(Export)));

    [Fact]
    public void The_same_export_in_protobuf_is_read_alike()
    {
        var temperature = Message(Text(1, "DCGM_FI_DEV_GPU_TEMP"), Field(5, Field(1, Message(Fixed(3, 1740327858000000000), Double(4, 61.5), Field(7, Attribute("UUID", Text(1, "GPU-1")))))));
        var errors = Message(Text(1, "device.ecc.uncorrected"), Field(7, Message(Field(1, Fixed(6, 3)), Field(1, []))));
        var histogram = Message(Text(1, "h"), Field(9, Field(1, Fixed(4, 1))));
        var resource = Message(
            Field(1, Message(Field(1, Attribute("host.name", Text(1, "m1"))), Field(1, Attribute("cores", Message([3 << 3, 8]))))),
            Field(2, Message(Field(1, Text(1, "x")), Field(2, temperature), Field(2, errors), Field(2, histogram))));
        ShouldBeTheExport(OtlpProtobuf.Read(Field(1, resource)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"resourceMetrics\":3}")]
    [InlineData("{\"resourceMetrics\":[3]}")]
    [InlineData("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"a\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"x\"}]}}]}]}]}")]
    [InlineData("{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{}}]}}]}")]
    public void What_is_no_export_in_json_is_refused(string body) => Should.Throw<OtlpException>(() => OtlpJson.Read(Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData(new byte[] { 0x0a, 0x05, 0x01 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0x0a, 0x02, 0x0a, 0x7f })]
    public void What_is_no_export_in_protobuf_is_refused(byte[] body) => Should.Throw<OtlpException>(() => OtlpProtobuf.Read(body));

    [Fact]
    public void Broken_bodies_are_refused_or_read_and_nothing_else()
    {
        var random = new Random(7);
        var whole = Encoding.UTF8.GetBytes(Export);
        for (var i = 0; i < 20_000; i++)
        {
            var body = whole.ToArray();
            for (var left = random.Next(1, 5); left > 0; left--) body[random.Next(body.Length)] = (byte)random.Next(256);
            try
            {
                _ = i % 2 == 0 ? OtlpJson.Read(body) : OtlpProtobuf.Read(body);
            }
            catch (OtlpException)
            {
            }
        }
    }

    private static void ShouldBeTheExport(IReadOnlyList<OtlpResource> resources)
    {
        var resource = resources.ShouldHaveSingleItem();
        (resource.Machine, resource.Attributes["cores"], resource.LeftOut).ShouldBe(("m1", "8", 2));
        resource.Samples.Select(sample => (sample.Name, sample.Value, sample.Time, sample.Labels.GetValueOrDefault("UUID")))
            .ShouldBe([("DCGM_FI_DEV_GPU_TEMP", 61.5, Time, "GPU-1"), (DeviceMetrics.EccUncorrected, 3, null, null)]);
    }

    private static byte[] Attribute(string key, byte[] value) => Message(Text(1, key), Field(2, value));

    private static byte[] Message(params byte[][] fields) => [.. fields.SelectMany(field => field)];

    private static byte[] Text(int field, string text) => Field(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int field, byte[] content) => Write(output =>
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(content));
    });

    private static byte[] Fixed(int field, ulong value) => Write(output =>
    {
        output.WriteTag(field, WireFormat.WireType.Fixed64);
        output.WriteFixed64(value);
    });

    private static byte[] Double(int field, double value) => Fixed(field, BitConverter.DoubleToUInt64Bits(value));

    private static byte[] Write(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        write(output);
        output.Flush();
        return stream.ToArray();
    }
}
