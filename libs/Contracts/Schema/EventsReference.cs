using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainMover.Contracts.Schema;

/// <summary>The reference that people read: topics, messages, their fields and examples, then the shapes and enums that messages share.</summary>
internal static class EventsReference
{
    public static string Of(DocComments docs)
    {
        var text = new StringBuilder();
        text.Append("""
            # Messages

            Every message is a [CloudEvent 1.0](https://cloudevents.io) in structured JSON. This page, the [JSON Schemas](schemas/) and the
            [AsyncAPI document](asyncapi.json) are generated from the code: `./trainmover docs` writes them anew.

            Rules for readers: ignore fields that you do not know; read an absent field as its default, or as "not known"; never rely on order between topics
            or between producers. An event of the log carries its stream, its version in the stream and the log's sequence number: a gap means that something
            is still to come. A message that breaks its schema goes to the dead letters and has no other effect.

            ## Envelope

            | attribute | type | required | meaning |
            | --- | --- | --- | --- |

            """);
        foreach (var attribute in Envelope.Attributes)
            text.Append(null, $"| `{attribute.Name}` | {attribute.Type} | {(attribute.Required ? "yes" : "no")} | {Cell(attribute.Description)} |\n");
        text.Append("| `data` | object | yes | The body: one of the messages below. |\n\n");
        Example(text, Whole(Catalog.Of(typeof(Migrations.SwitchOrdered))));

        text.Append("## Topics\n\nNames carry the prefix of the deployment (`trainmover.` by default).\n\n");
        text.Append("| topic | key | meaning | sent by | read by |\n| --- | --- | --- | --- | --- |\n");
        foreach (var topic in Topics.All)
        {
            var (key, meaning) = Routes.Topic(topic);
            var senders = Routes.Participants.Where(participant => Catalog.Entries.Any(entry => entry.Topic == topic && participant.Sends(entry)));
            var readers = Routes.Participants.Where(participant => participant.Receives.Contains(topic));
            text.Append(null, $"| `{Topics.DefaultPrefix}{topic}` | {key} | {meaning} | {Names(senders)} | {Names(readers)} |\n");
        }

        var shared = new SortedDictionary<string, Shape>(StringComparer.Ordinal);
        foreach (var topic in Topics.All)
        {
            text.Append(null, $"\n## Topic `{Topics.DefaultPrefix}{topic}`\n");
            foreach (var entry in Catalog.Entries.Where(entry => entry.Topic == topic))
                Message(text, entry, docs, shared);
        }

        text.Append("\n## Shapes\n");
        foreach (var shape in shared.Values.Where(shape => shape.Values.Count == 0 && shape.Variants.Count == 0))
        {
            text.Append(null, $"\n### {shape.Type.Name}\n\n{shape.Description}\n\n");
            Fields(text, shape);
        }

        text.Append("\n## Values\n");
        foreach (var shape in shared.Values.Where(shape => shape.Values.Count > 0))
        {
            text.Append(null, $"\n### {shape.Type.Name}\n\n{shape.Description}\n\n| value | meaning |\n| --- | --- |\n");
            foreach (var (name, description) in shape.Values)
                text.Append(null, $"| `{name}` | {Cell(description)} |\n");
        }

        return text.Replace("\n\n\n", "\n\n").ToString();
    }

    private static void Message(StringBuilder text, CatalogEntry entry, DocComments docs, SortedDictionary<string, Shape> shared)
    {
        var shape = Shape.Of(entry.ClrType, docs);
        var senders = Routes.Participants.Where(participant => participant.Sends(entry));
        text.Append(null, $"\n### `{entry.Name}`\n\n{shape.Description} Sent by: {Names(senders)} ([schema](schemas/{entry.Name}.json)).\n\n");
        Fields(text, shape);
        text.Append('\n');
        var examples = Examples.Of(entry.ClrType);
        if (examples.Count == 1)
            Example(text, JsonSerializer.SerializeToNode(examples[0].Body, entry.ClrType, Catalog.Json)!);
        Share(shape, docs, shared);
        foreach (var field in shape.Fields.Where(field => field.Leaf is null))
        {
            var inner = Shape.Of(field.Type, docs);
            foreach (var (value, type) in inner.Variants)
            {
                var variant = Shape.Of(type, docs);
                text.Append(null, $"#### `{field.Name}.{inner.Discriminator}` = `{value}`\n\n{variant.Description}\n\n");
                Fields(text, variant, (inner.Discriminator!, value));
                text.Append('\n');
                Example(text, JsonSerializer.SerializeToNode(examples.Single(example => example.Variant == value).Body, entry.ClrType, Catalog.Json)!);
            }
        }
    }

    private static void Share(Shape shape, DocComments docs, SortedDictionary<string, Shape> shared)
    {
        foreach (var type in shape.Fields.Where(field => field.Leaf is null).Select(field => field.Type))
        {
            if (shared.ContainsKey(type.Name))
                continue;
            var inner = Shape.Of(type, docs);
            shared.Add(type.Name, inner);
            Share(inner, docs, shared);
            foreach (var (_, variant) in inner.Variants)
                Share(Shape.Of(variant, docs), docs, shared);
        }
    }

    private static void Fields(StringBuilder text, Shape shape, (string Name, string Value)? variant = null)
    {
        if (shape.Fields.Count == 0)
            return;
        text.Append("| field | type | required | meaning |\n| --- | --- | --- | --- |\n");
        if (variant is { } discriminator)
            text.Append(null, $"| `{discriminator.Name}` | `{discriminator.Value}` | yes | Tells the variants apart. |\n");
        foreach (var field in shape.Fields)
        {
            var required = field switch
            {
                { Required: true } => "yes",
                { Default: { } value } => $"no; `{value.ToJsonString()}`",
                _ => "no",
            };
            text.Append(null, $"| `{field.Name}` | {(field.IsList ? "list of " : "")}{TypeName(field)} | {required} | {Cell(field.Description)} |\n");
        }
    }

    private static string TypeName(Field field)
    {
        if (field.Leaf is null)
            return field.Type is { IsAbstract: true } ? "one of the variants below" : $"[{field.Type.Name}](#{field.Type.Name.ToLowerInvariant()})";
        if (field.Type == typeof(string))
            return "text";
        if (field.Type == typeof(DateTimeOffset))
            return "time";
        if (field.Type == typeof(bool))
            return "true or false";
        return field.Type == typeof(float) || field.Type == typeof(double) ? "number" : "integer";
    }

    private static JsonObject Whole(CatalogEntry entry)
    {
        var message = new JsonObject();
        foreach (var attribute in Envelope.Attributes)
        {
            message[attribute.Name] = attribute.Name switch
            {
                "type" => entry.Name,
                "subject" => "gpt",
                "stream" => "migration-gpt-g2",
                _ when attribute.Type == "integer" => int.Parse(attribute.Example!, null),
                _ => attribute.Example,
            };
        }

        message["data"] = JsonSerializer.SerializeToNode(Examples.Of(entry.ClrType)[0].Body, entry.ClrType, Catalog.Json);
        return message;
    }

    private static void Example(StringBuilder text, JsonNode body) =>
        text.Append(null, $"<details><summary>Example</summary>\n\n```json\n{SchemaDocuments.Text(body)}```\n\n</details>\n\n");

    private static string Names(IEnumerable<Participant> participants) => string.Join(", ", participants.Select(participant => participant.Name));

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
