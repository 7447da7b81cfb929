using System.Text;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Messaging.Tests;

/// <summary>Metrics have a way of their own through the reader; it takes no message that the other way would refuse, and gives what the other one gives.</summary>
public sealed class MetricsFormatTests
{
    private const int Limit = 100_000;

    private static readonly Envelope Written = new("id-1", "/trainmover/agent-m1", "trainmover.telemetry.device-metrics.v1", new DeviceMetricsTaken(
        "m1", new DateTimeOffset(2026, 3, 1, 12, 0, 0, 250, TimeSpan.FromHours(2)), [new("GPU-1", "device.temperature", 61.5), new("", "host.load", -1e-9), new("GPU-ü", "device.power", 700)]))
    {
        Subject = "m1",
        Time = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero),
    };

    // As agents write them: read to the end without the reader's help.
    private static readonly Envelope Usual = Written with
    {
        Data = new DeviceMetricsTaken("m1", new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), [new("GPU-1", "device.temperature", 61), new("GPU-1", "device.power", 642.25), new("", "host.load", 0)]),
    };

    public static TheoryData<bool> Both => [true, false];

    [Theory]
    [MemberData(nameof(Both))]
    public void What_is_written_is_read_in_the_short_way(bool usual)
    {
        var written = usual ? Usual : Written;
        var read = MetricsFormat.Read(EnvelopeFormat.Write(written)).ShouldNotBeNull();
        Text(read).ShouldBe(Text(written));
        read.ShouldSatisfyAllConditions(one => one.Subject.ShouldBe("m1"), one => one.Time.ShouldBe(written.Time), one => one.Source.ShouldBe(written.Source), one => one.Id.ShouldBe("id-1"));
        ((DeviceMetricsTaken)read.Data).Metrics.ShouldBe(((DeviceMetricsTaken)written.Data).Metrics);
    }

    [Theory]
    [InlineData("61", "061")]
    [InlineData("61", "1.")]
    [InlineData("61", ".5")]
    [InlineData("61", "+1")]
    [InlineData("61", "")]
    [InlineData("61", "1_0")]
    [InlineData("}]}}", "},]}}")]
    [InlineData("}]}}", "}]}}}")]
    [InlineData("}]}}", "}]}} 1")]
    [InlineData("}]}}", "}]}")]
    [InlineData("GPU-1", "GPU\t1")]
    public void What_is_no_json_is_not_taken_in_the_short_way(string part, string instead)
    {
        var body = Encoding.UTF8.GetBytes(Replaced(Usual, part, instead));
        MetricsFormat.Read(body).ShouldBeNull();
        EnvelopeFormat.Read(body, Limit).ShouldBeOfType<Reading.Unreadable>();
    }

    [Theory]
    [InlineData("61", "6.1E1")]
    [InlineData("61", "-0.5")]
    [InlineData("61", "0.1")]
    [InlineData("61", "123456789012345678901234567890")]
    [InlineData("61", "61 ")]
    [InlineData("}]}}", "}]}}\n")]
    [InlineData("}]}}", "}] }}")]
    public void What_is_written_in_another_way_is_read_to_the_same_values(string part, string instead)
    {
        var body = Encoding.UTF8.GetBytes(Replaced(Usual, part, instead));
        Text(MetricsFormat.Read(body).ShouldNotBeNull()).ShouldBe(Text(EnvelopeFormat.ReadAny(body).ShouldBeOfType<Reading.Readable>().Envelope));
    }

    [Theory]
    [InlineData("\"machineId\":\"m1\",", "", DeadLetterReason.SchemaViolation)]
    [InlineData("\"machineId\":\"m1\"", "\"machineId\":null", DeadLetterReason.SchemaViolation)]
    [InlineData("\"machineId\":\"m1\",", "\"machineId\":\"m1\",\"machineId\":\"m2\",", DeadLetterReason.NotACloudEvent)]
    [InlineData("\"value\":700", "\"value\":\"700\"", DeadLetterReason.SchemaViolation)]
    [InlineData("\"metrics\":[", "\"metrics\":[null,", DeadLetterReason.SchemaViolation)]
    [InlineData("\"id\":\"id-1\"", "\"id\":\"\"", DeadLetterReason.NotACloudEvent)]
    [InlineData("\"specversion\":\"1.0\"", "\"specversion\":\"9.0\"", DeadLetterReason.NotACloudEvent)]
    public void What_is_wrong_is_told_as_with_any_other_message(string part, string instead, DeadLetterReason reason)
    {
        var body = Encoding.UTF8.GetString(EnvelopeFormat.Write(Written));
        body.ShouldContain(part);
        var wrong = Encoding.UTF8.GetBytes(body.Replace(part, instead, StringComparison.Ordinal));
        MetricsFormat.Read(wrong).ShouldBeNull();
        EnvelopeFormat.Read(wrong, Limit).ShouldBeOfType<Reading.Unreadable>().Reason.ShouldBe(reason);
    }

    [Theory]
    [InlineData("\"value\":700", "\"value\":700,\"unit\":\"W\"")]
    [InlineData("\"source\":\"/trainmover/agent-m1\"", "\"source\":\"https://example.org/a b\"")]
    [InlineData("\"specversion\":\"1.0\"", "\"specversion\":\"1.0\",\"actor\":\"x\"")]
    public void What_is_unusual_goes_the_long_way(string part, string instead)
    {
        var body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(EnvelopeFormat.Write(Written)).Replace(part, instead, StringComparison.Ordinal));
        MetricsFormat.Read(body).ShouldBeNull();
        EnvelopeFormat.Read(body, Limit).ShouldBeOfType<Reading.Readable>().Envelope.Data.ShouldBeOfType<DeviceMetricsTaken>().Metrics.Count.ShouldBe(3);
    }

    // Escaped, the second name has the bytes of the first one, which was read in its place just before.
    [Theory]
    [InlineData("a\\u0041", "GPU-1")]
    [InlineData("device.power", "a\\u0041")]
    public void A_name_that_is_escaped_is_not_taken_for_the_one_that_was_expected(string likelyMetric, string likelyDevice)
    {
        var body = Encoding.UTF8.GetString(EnvelopeFormat.Write(Written));
        var literal = body.Replace("device.temperature", likelyMetric.Replace("\\", "\\\\", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("GPU-1", likelyDevice.Replace("\\", "\\\\", StringComparison.Ordinal), StringComparison.Ordinal);
        Metrics(literal)[0].ShouldBe(new DeviceMetric(likelyDevice, likelyMetric, 61.5));

        var escaped = literal.Replace("\\\\u", "\\u", StringComparison.Ordinal);
        Metrics(escaped)[0].ShouldBe(new DeviceMetric(likelyDevice.Replace("\\u0041", "A", StringComparison.Ordinal), likelyMetric.Replace("\\u0041", "A", StringComparison.Ordinal), 61.5));

        static IReadOnlyList<DeviceMetric> Metrics(string text) => ((DeviceMetricsTaken)MetricsFormat.Read(Encoding.UTF8.GetBytes(text)).ShouldNotBeNull().Data).Metrics;
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void No_broken_message_is_taken_that_the_long_way_refuses(bool usual)
    {
        var whole = EnvelopeFormat.Write(usual ? Usual : Written);
        var random = new Random(7);
        for (var round = 0; round < 20_000; round++)
        {
            var body = whole[..(random.Next(8) == 0 ? random.Next(whole.Length) : whole.Length)];
            for (var change = random.Next(1, 4); change > 0 && body.Length > 0; change--)
                body[random.Next(body.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"\"{}[],:0eE-.n"[random.Next(13)];
            if (MetricsFormat.Read(body) is not { } shorter) continue;
            // A trailing property that only the long way reads would make it differ.
            var longer = EnvelopeFormat.ReadAny(body).ShouldBeOfType<Reading.Readable>($"{Encoding.UTF8.GetString(body)}").Envelope;
            Text(shorter).ShouldBe(Text(longer));
        }
    }

    private static string Replaced(Envelope envelope, string part, string instead)
    {
        var body = Encoding.UTF8.GetString(EnvelopeFormat.Write(envelope));
        body.ShouldContain(part);
        var at = body.LastIndexOf(part, StringComparison.Ordinal);
        return body[..at] + instead + body[(at + part.Length)..];
    }

    private static string Text(Envelope envelope) => Encoding.UTF8.GetString(EnvelopeFormat.Write(envelope));
}
