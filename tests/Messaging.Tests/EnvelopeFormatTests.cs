using System.Text;
using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Schema;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Messaging.Tests;

public sealed class EnvelopeFormatTests
{
    private const int Limit = 10_000;
    private static readonly Envelope Full = new("id-1", "/trainmover/agent", "trainmover.telemetry.fault-reported.v1", new FaultReported("m1", "79", "gone", 5))
    {
        Subject = "m1",
        Time = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero),
        CorrelationId = "c",
        CausationId = "d",
        Generation = 3,
        Stream = "machine-m1",
        StreamVersion = 4,
        Sequence = 5_000_000_000,
        Actor = "agent",
    };

    [Fact]
    public void An_envelope_survives_writing_and_reading_with_all_its_attributes() =>
        EnvelopeFormat.Read(EnvelopeFormat.Write(Full), Limit).ShouldBe(new Reading.Readable(Full));

    [Fact]
    public void A_small_integer_is_a_number_and_one_beyond_32_bits_is_text()
    {
        using var json = JsonDocument.Parse(EnvelopeFormat.Write(Full));
        json.RootElement.GetProperty("streamversion").GetRawText().ShouldBe("4");
        json.RootElement.GetProperty("sequence").GetRawText().ShouldBe("\"5000000000\"");
        json.RootElement.GetProperty("specversion").GetString().ShouldBe("1.0");
    }

    [Fact]
    public void A_body_under_a_foreign_type_is_not_written() =>
        Should.Throw<ArgumentException>(() => EnvelopeFormat.Write(Full with { Type = "trainmover.telemetry.heartbeat.v1" }));

    [Theory]
    [InlineData("hello", DeadLetterReason.NotJson)]
    [InlineData("", DeadLetterReason.NotJson)]
    [InlineData("{\"a\":1}}", DeadLetterReason.NotJson)]
    [InlineData("{\"specversion\":\"1.0\",\"id\":\"x", DeadLetterReason.Truncated)]
    [InlineData("{\"specversion\":\"1.0\",", DeadLetterReason.Truncated)]
    [InlineData("[]", DeadLetterReason.NotACloudEvent)]
    [InlineData("12", DeadLetterReason.NotACloudEvent)]
    [InlineData("{}", DeadLetterReason.NotACloudEvent)]
    [InlineData("""{"specversion":"1.0","source":"/s","type":"trainmover.telemetry.fault-reported.v1","data":{}}""", DeadLetterReason.NotACloudEvent)]
    [InlineData("""{"specversion":"0.3","id":"1","source":"/s","type":"t"}""", DeadLetterReason.NotACloudEvent)]
    [InlineData("""{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t"}""", DeadLetterReason.NotACloudEvent)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"weather.v1"}""", DeadLetterReason.UnknownType)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v2","data":{}}""", DeadLetterReason.UnsupportedVersion)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1"}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1","data":null}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1","data":{"machineId":"m1"}}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1","data":{"machineId":"m1","code":7}}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1","datacontenttype":"text/plain","data":"m1"}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"trainmover.telemetry.fault-reported.v1","data_base64":"AAAA"}""", DeadLetterReason.SchemaViolation)]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","sequence":"soon","type":"trainmover.telemetry.fault-reported.v1","data":{"machineId":"m1","code":"7"}}""", DeadLetterReason.SchemaViolation)]
    public void Each_flaw_has_its_reason(string body, DeadLetterReason reason) =>
        EnvelopeFormat.Read(Encoding.UTF8.GetBytes(body), Limit).ShouldBeOfType<Reading.Unreadable>().Reason.ShouldBe(reason);

    [Fact]
    public void No_beginning_of_a_message_is_taken_for_a_message_and_none_throws()
    {
        var body = EnvelopeFormat.Write(Full);
        for (var length = 1; length < body.Length; length++)
            EnvelopeFormat.Read(body.AsMemory(0, length), Limit).ShouldBeOfType<Reading.Unreadable>().Reason.ShouldBe(DeadLetterReason.Truncated);
    }

    [Fact]
    public void One_byte_above_the_limit_is_too_large()
    {
        var body = EnvelopeFormat.Write(Full);
        EnvelopeFormat.Read(body, body.Length).ShouldBeOfType<Reading.Readable>();
        EnvelopeFormat.Read(body, body.Length - 1).ShouldBeOfType<Reading.Unreadable>().Reason.ShouldBe(DeadLetterReason.TooLarge);
    }

    [Fact]
    public void The_rehearsal_reads_every_message_of_its_topics_as_it_was_written()
    {
        MessageRehearsal.Run(Topics.Commands).ShouldBe(Examples.Of(typeof(AgentCommand)).Count);
        MessageRehearsal.Run([.. Topics.All]).ShouldBe(Catalog.Entries.Sum(entry => Examples.Of(entry.ClrType).Count));
    }
}
