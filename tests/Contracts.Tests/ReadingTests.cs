using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Contracts.Tests;

/// <summary>Services send to the dead letters whatever fails to read with a <see cref="JsonException"/>.</summary>
public sealed class ReadingTests
{
    private const string Raised = """
        {"interruptionId":"i1","kind":"expected","cause":"maintenance","severity":"replace","machines":["m1"],"reason":"r","detector":"d","evidence":[]}
        """;

    [Fact]
    public void The_base_line_of_these_tests_is_read() =>
        Read<InterruptionRaised>(Raised).ShouldSatisfyAllConditions(
            raised => raised.Kind.ShouldBe(InterruptionKind.Expected),
            raised => raised.Cause.ShouldBe(InterruptionCause.Maintenance),
            raised => raised.Machines.ShouldBe(["m1"]),
            raised => raised.FaultMonotonicNs.ShouldBeNull());

    [Theory]
    [InlineData("\"interruptionId\":\"i1\",", "", "a missing text")]
    [InlineData("\"kind\":\"expected\",", "", "a missing enum")]
    [InlineData(",\"evidence\":[]", "", "a missing list")]
    [InlineData("\"interruptionId\"", "\"InterruptionId\"", "a name in another case")]
    [InlineData("\"reason\":\"r\"", "\"reason\":null", "null for a text")]
    [InlineData("\"reason\":\"r\"", "\"reason\":7", "a number for a text")]
    [InlineData("\"reason\":\"r\"", "\"reason\":\"r\",\"reason\":\"s\"", "a property twice")]
    [InlineData("[\"m1\"]", "null", "null for a list")]
    [InlineData("[\"m1\"]", "[\"m1\",null]", "null in a list of texts")]
    [InlineData("\"evidence\":[]", "\"evidence\":[null]", "null in a list of records")]
    [InlineData("\"evidence\":[]", "\"evidence\":[{\"source\":\"s\",\"messageId\":\"m\"}]", "a missing text in a nested record")]
    [InlineData("\"expected\"", "\"sudden\"", "an unknown enum name")]
    [InlineData("\"expected\"", "0", "the number of an enum value")]
    [InlineData("\"expected\"", "\"0\"", "the number of an enum value as text")]
    [InlineData("\"expected\"", "null", "null for an enum")]
    [InlineData("}", "", "an end that is missing")]
    public void A_body_is_refused_with(string part, string replacement, string because)
    {
        var broken = Raised.Replace(part, replacement, StringComparison.Ordinal);
        broken.ShouldNotBe(Raised);
        Should.Throw<JsonException>(() => Read<InterruptionRaised>(broken), because);
    }

    [Theory]
    [InlineData("""{"machineId":"m1","workerPid":"12","monotonicNs":1}""", "text for a number")]
    [InlineData("""{"machineId":"m1","workerPid":12.5,"monotonicNs":1}""", "a fraction for an integer")]
    [InlineData("""{"machineId":"m1","workerPid":12}""", "a missing number")]
    [InlineData("""{"machineId":"m1","workerPid":99999999999,"monotonicNs":1}""", "a number that is too large")]
    [InlineData("null", "nothing but null")]
    [InlineData("[]", "a list for an object")]
    public void A_heartbeat_is_refused_with(string body, string because) => Should.Throw<JsonException>(() => Read<Heartbeat>(body), because);

    [Theory]
    [InlineData("""{"order":{"order":"dance","machineId":"m1","jobId":"j","generation":1,"orderId":"o"}}""", "an unknown discriminator")]
    [InlineData("""{"order":{"machineId":"m1","jobId":"j","generation":1,"orderId":"o"}}""", "no discriminator")]
    [InlineData("""{"order":{"order":"abort","jobId":"j","generation":1,"orderId":"o","migrationId":"g","reason":"r"}}""", "no machine, which the base demands")]
    [InlineData("""{"order":{"order":"abort","machineId":"m1","jobId":"j","generation":1,"orderId":"o","migrationId":"g"}}""", "no reason, which the order demands")]
    [InlineData("""{"order":null}""", "a null order")]
    public void An_order_is_refused_with(string body, string because) => Should.Throw<JsonException>(() => Read<AgentCommand>(body), because);

    [Fact]
    public void A_discriminator_may_come_late() =>
        Read<AgentReport>("""{"report":{"machineId":"m1","reason":"no memory","generation":2,"report":"preparation-failed"}}""")
            .Report.ShouldBe(new PreparationFailed("no memory") { MachineId = "m1", Generation = 2 });

    [Fact]
    public void A_property_from_a_later_version_is_ignored() =>
        Read<InterruptionResolved>("""{"interruptionId":"i","migrationId":"g","later":{"a":[1]}}""").ShouldBe(new InterruptionResolved("i", "g"));

    [Fact]
    public void A_nullable_parameter_without_default_may_be_absent_and_may_be_null()
    {
        var outcome = new ShadowOutcome(Good: true, Reason: null, Ms: 1.5, BytesAnswered: 2, BytesLeft: 0);
        var text = JsonSerializer.Serialize(outcome, Catalog.Json);
        text.ShouldBe("""{"good":true,"ms":1.5,"bytesAnswered":2,"bytesLeft":0}""");
        Read<ShadowOutcome>(text).ShouldBe(outcome);
        Read<ShadowOutcome>(text.Replace("true,", "true,\"reason\":null,", StringComparison.Ordinal)).ShouldBe(outcome);
    }

    [Theory]
    [InlineData(float.NaN, "\"NaN\"")]
    [InlineData(float.PositiveInfinity, "\"Infinity\"")]
    [InlineData(0.1f, "0.1")]
    public void The_loss_of_a_diverged_run_is_written_and_read(float loss, string wire)
    {
        var step = new StepCompleted("m1", "j", 1, 0, 7, loss, BitConverter.SingleToUInt32Bits(loss), 3.5, 9);
        var text = JsonSerializer.Serialize(step, Catalog.Json);
        text.ShouldContain($"\"loss\":{wire},");
        Read<StepCompleted>(text).ShouldBe(step);
    }

    private static T Read<T>(string body) => JsonSerializer.Deserialize<T>(body, Catalog.Json) ?? throw new JsonException("null");
}
