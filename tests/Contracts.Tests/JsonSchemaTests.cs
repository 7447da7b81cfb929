using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using NJsonSchema;
using TrainMover.Contracts.Schema;

namespace TrainMover.Contracts.Tests;

/// <summary>The published schemas say what the reader does: examples pass, and what the reader refuses, the schema refuses.</summary>
public sealed class JsonSchemaTests
{
    private static readonly IReadOnlyDictionary<string, string> Documents = SchemaDocuments.Generate();
    private static readonly ConcurrentDictionary<string, Task<JsonSchema>> Schemas = new(StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(WireExample.Names), MemberType = typeof(WireExample))]
    public async Task An_example_is_valid(string snapshot)
    {
        var example = WireExample.Of(snapshot);
        (await Errors(Message(example))).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(WireExample.Names), MemberType = typeof(WireExample))]
    public async Task Each_field_of_a_minimal_example_is_needed_and_must_not_be_null(string snapshot)
    {
        var example = WireExample.Of(snapshot);
        if (example.Full)
            return;
        foreach (var path in Fields(example.Json, []))
        {
            var without = Message(example);
            var parent = path.SkipLast(1).Aggregate(without["data"]!, (node, step) => step is int index ? node[index]! : node[(string)step]!);
            parent.AsObject().Remove((string)path[^1]);
            (await Errors(without)).ShouldNotBeEmpty($"without {string.Join('.', path)}");
            parent[(string)path[^1]] = null;
            (await Errors(without)).ShouldNotBeEmpty($"with null for {string.Join('.', path)}");
        }
    }

    [Fact]
    public async Task A_wrong_enum_value_a_wrong_discriminator_and_a_wrong_type_are_refused()
    {
        var raised = Message(WireExample.Of("trainmover.interruption.raised.v1.full.json"));
        raised["data"]!["kind"] = "sudden";
        (await Errors(raised)).ShouldNotBeEmpty();

        var order = Message(WireExample.Of("trainmover.command.v1.abort.full.json"));
        order["data"]!["order"]!["order"] = "dance";
        (await Errors(order)).ShouldNotBeEmpty();

        var other = Message(WireExample.Of("trainmover.interruption.raised.v1.full.json"));
        other["type"] = "trainmover.interruption.raised.v2";
        (await Errors(other)).ShouldNotBeEmpty();
    }

    private static JsonObject Message(WireExample example) => new()
    {
        ["specversion"] = "1.0",
        ["id"] = "1",
        ["source"] = "/tests",
        ["type"] = example.Entry.Name,
        ["time"] = "2026-03-01T12:00:00Z",
        ["datacontenttype"] = "application/json",
        ["generation"] = 2,
        ["sequence"] = "42",
        ["data"] = example.Json.DeepClone(),
    };

    private static IEnumerable<object[]> Fields(JsonNode? node, object[] path) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Fields(field.Value, [.. path, field.Key]).Prepend([.. path, field.Key])),
        JsonArray items => items.SelectMany((item, index) => Fields(item, [.. path, index])),
        _ => [],
    };

    private static async Task<IEnumerable<string>> Errors(JsonObject message)
    {
        var name = message["type"]!.GetValue<string>().Replace(".v2", ".v1", StringComparison.Ordinal);
        // NJsonSchema knows definitions by their name before 2019-09; every other keyword of these schemas is the same there.
        var schema = await Schemas.GetOrAdd(name, static type =>
            JsonSchema.FromJsonAsync(Documents[$"docs/schemas/{type}.json"].Replace("$defs", "definitions", StringComparison.Ordinal)));
        return schema.Validate(message.ToJsonString()).Select(error => error.ToString());
    }
}
