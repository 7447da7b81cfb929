using System.Text.Json.Nodes;

namespace TrainMover.Contracts.Schema;

/// <summary>An attribute of the CloudEvents envelope.</summary>
internal sealed record EnvelopeAttribute(string Name, string Type, bool Required, string Description, string? Example)
{
    public JsonObject Schema(CatalogEntry entry)
    {
        var schema = new JsonObject { ["description"] = Description };
        var fixedValue = Name switch { "type" => entry.Name, "specversion" => "1.0", "datacontenttype" => "application/json", _ => null };
        if (Type == "integer")
        {
            // CloudEvents integers have 32 bits; a larger one travels as text.
            schema["type"] = new JsonArray("integer", "string");
            schema["minimum"] = 0;
            schema["pattern"] = "^[0-9]+$";
            return schema;
        }

        schema["type"] = "string";
        if (fixedValue is not null)
            schema["enum"] = new JsonArray(fixedValue);
        else if (Type == "time")
            schema["format"] = "date-time";
        else
            schema["minLength"] = 1;
        return schema;
    }
}

/// <summary>CloudEvents 1.0, structured JSON, and the extensions that say why an event happened and where it stands in the log.</summary>
internal static class Envelope
{
    public static IReadOnlyList<EnvelopeAttribute> Attributes { get; } =
    [
        new("specversion", "text", true, "Version of CloudEvents: `1.0`.", "1.0"),
        new("id", "text", true, "Unique within the source: (`source`, `id`) is the key by which repeats are dropped.", "0199c3a4-5f0e-7b1e-9c55-1f0a6c2d7e11"),
        new("source", "text", true, "Who published, as a URI reference.", "/trainmover/executor"),
        new("type", "text", true, "Versioned name of the message. The shape behind a name never changes; another shape is another version.", null),
        new("subject", "text", false, "What it is about: the key of the topic.", null),
        new("time", "time", false, "When it happened, RFC 3339.", "2026-03-01T12:00:00Z"),
        new("datacontenttype", "text", false, "Media type of `data`: `application/json`.", "application/json"),
        new("correlationid", "text", false, "Same for all that follows from one first cause.", "maintenance-m1"),
        new("causationid", "text", false, "Id of the message or event that this one answers.", "0199c3a4-5efb-7a06-8f0c-52a3b9d1c410"),
        new("generation", "integer", false, "Generation of the job; whatever is older than the receiver's is refused.", "2"),
        new("stream", "text", false, "Stream of the event log.", null),
        new("streamversion", "integer", false, "Place in that stream, from 1. A gap means: wait for, or load, what is missing.", "6"),
        new("sequence", "integer", false, "Place in the whole log, from 1.", "42"),
        new("actor", "text", false, "Who decided.", "executor"),
    ];
}
