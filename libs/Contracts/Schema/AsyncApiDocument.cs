using System.Text.Json.Nodes;

namespace TrainMover.Contracts.Schema;

/// <summary>AsyncAPI 3.0: topics as channels, messages, and for each participant what it sends and receives.</summary>
internal static class AsyncApiDocument
{
    public static JsonObject Of(DocComments docs)
    {
        var channels = new JsonObject();
        var operations = new JsonObject();
        var messages = new JsonObject();
        foreach (var topic in Topics.All)
            channels[topic] = Channel(topic);
        foreach (var entry in Catalog.Entries)
            messages[entry.Name] = Message(entry, docs);
        foreach (var participant in Routes.Participants)
        {
            foreach (var topic in Topics.All)
            {
                var sent = EntriesOf(topic).Where(participant.Sends).ToArray();
                if (sent.Length > 0)
                    operations[$"{participant.Name}.send.{topic}"] = Operation(participant, "send", topic, sent);
                if (participant.Receives.Contains(topic))
                    operations[$"{participant.Name}.receive.{topic}"] = Operation(participant, "receive", topic, EntriesOf(topic));
            }
        }

        return new JsonObject
        {
            ["asyncapi"] = "3.0.0",
            ["info"] = new JsonObject
            {
                ["title"] = "TrainMover",
                ["version"] = "1.0.0",
                ["description"] = "Messages of TrainMover on Kafka: CloudEvents 1.0, structured JSON. One document for all participants: "
                    + "the first word of an operation's name, and its tag, say who sends or receives. "
                    + $"Addresses carry the default prefix of a deployment, `{Topics.DefaultPrefix}`.",
                ["tags"] = new JsonArray([.. Routes.Participants.Select(Tag)]),
            },
            ["defaultContentType"] = "application/cloudevents+json",
            ["channels"] = channels,
            ["operations"] = operations,
            ["components"] = new JsonObject { ["messages"] = messages },
        };
    }

    private static IEnumerable<CatalogEntry> EntriesOf(string topic) => Catalog.Entries.Where(entry => entry.Topic == topic);

    private static JsonObject Channel(string topic)
    {
        var messages = new JsonObject();
        foreach (var entry in EntriesOf(topic))
            messages[entry.Name] = Reference($"#/components/messages/{entry.Name}");
        var (key, meaning) = Routes.Topic(topic);
        return new JsonObject
        {
            ["address"] = Topics.DefaultPrefix + topic,
            ["description"] = $"{meaning} Key: {key}.",
            ["messages"] = messages,
            ["bindings"] = new JsonObject { ["kafka"] = new JsonObject { ["topic"] = Topics.DefaultPrefix + topic, ["bindingVersion"] = "0.5.0" } },
        };
    }

    private static JsonObject Message(CatalogEntry entry, DocComments docs) => new()
    {
        ["name"] = entry.Name,
        ["title"] = entry.ClrType.Name,
        ["summary"] = docs.OfType(entry.ClrType),
        ["contentType"] = "application/cloudevents+json",
        ["payload"] = Reference($"./schemas/{entry.Name}.json"),
        ["bindings"] = new JsonObject
        {
            ["kafka"] = new JsonObject
            {
                ["key"] = new JsonObject { ["type"] = "string", ["description"] = $"The {Routes.Topic(entry.Topic).Key}." },
                ["bindingVersion"] = "0.5.0",
            },
        },
    };

    private static JsonObject Operation(Participant participant, string action, string topic, IEnumerable<CatalogEntry> entries) => new()
    {
        ["action"] = action,
        ["channel"] = Reference($"#/channels/{topic}"),
        ["tags"] = new JsonArray(new JsonObject { ["name"] = participant.Name }),
        ["messages"] = new JsonArray([.. entries.Select(entry => Reference($"#/channels/{topic}/messages/{entry.Name}"))]),
    };

    private static JsonObject Tag(Participant participant) => new() { ["name"] = participant.Name, ["description"] = participant.Description };

    private static JsonObject Reference(string pointer) => new() { ["$ref"] = pointer };
}
