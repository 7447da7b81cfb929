using System.Text.Json.Nodes;

namespace TrainMover.Contracts.Schema;

/// <summary>
/// The JSON Schema of one message: CloudEvents envelope and body. Uses only keywords that mean the same from draft 4 to 2020-12, <c>$defs</c> aside.
/// </summary>
internal static class MessageSchema
{
    public static JsonObject Of(CatalogEntry entry, DocComments docs)
    {
        var properties = new JsonObject();
        foreach (var attribute in Envelope.Attributes)
            properties[attribute.Name] = attribute.Schema(entry);
        properties["data"] = Reference(entry.ClrType);

        var definitions = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        Define(entry.ClrType, docs, definitions, variant: null);
        return new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = entry.Name,
            ["description"] = docs.OfType(entry.ClrType),
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = Names([.. Envelope.Attributes.Where(attribute => attribute.Required).Select(attribute => attribute.Name), "data"]),
            ["$defs"] = new JsonObject(definitions),
        };
    }

    private static void Define(Type type, DocComments docs, SortedDictionary<string, JsonNode?> definitions, (string Name, string Value)? variant)
    {
        if (definitions.ContainsKey(type.Name))
            return;
        var shape = Shape.Of(type, docs);
        definitions[type.Name] = null;
        definitions[type.Name] = shape switch
        {
            { Values.Count: > 0 } => OfEnum(shape),
            { Variants.Count: > 0 } => new JsonObject
            {
                ["description"] = shape.Description,
                ["oneOf"] = new JsonArray([.. shape.Variants.Select(derived => Reference(derived.Type))]),
            },
            _ => OfRecord(shape, variant),
        };
        foreach (var field in shape.Fields.Where(field => field.Leaf is null))
            Define(field.Type, docs, definitions, variant: null);
        foreach (var (value, derived) in shape.Variants)
            Define(derived, docs, definitions, (shape.Discriminator!, value));
    }

    private static JsonObject OfEnum(Shape shape) => new()
    {
        ["description"] = $"{shape.Description} {string.Join(' ', shape.Values.Select(value => $"`{value.Name}`: {value.Description}"))}",
        ["type"] = "string",
        ["enum"] = Names(shape.Values.Select(value => value.Name)),
    };

    private static JsonObject OfRecord(Shape shape, (string Name, string Value)? variant)
    {
        var properties = new JsonObject();
        if (variant is { } discriminator)
        {
            properties[discriminator.Name] = new JsonObject
            {
                ["description"] = "Tells the variants apart.",
                ["type"] = "string",
                ["enum"] = Names([discriminator.Value]),
            };
        }

        foreach (var field in shape.Fields)
            properties[field.Name] = OfField(field);
        var required = shape.Fields.Where(field => field.Required).Select(field => field.Name);
        var result = new JsonObject { ["description"] = shape.Description, ["type"] = "object", ["properties"] = properties };
        if (variant is not null || required.Any())
            result["required"] = Names(variant is null ? required : required.Prepend(variant.Value.Name));
        return result;
    }

    private static JsonObject OfField(Field field)
    {
        var value = field.Leaf is null ? Reference(field.Type) : field.Leaf.DeepClone().AsObject();
        if (field.IsList)
            value = new JsonObject { ["type"] = "array", ["items"] = value };
        if (field.Nullable)
            value = OrNull(value);
        // A sibling of $ref is ignored before 2019-09; there the description of the referenced shape stands for it.
        value.Insert(0, "description", field.Description);
        if (field.Default is not null)
            value["default"] = field.Default.DeepClone();
        return value;
    }

    private static JsonObject OrNull(JsonObject value)
    {
        if (value["type"] is not JsonValue type)
            return new JsonObject { ["oneOf"] = new JsonArray(value, new JsonObject { ["type"] = "null" }) };
        value["type"] = new JsonArray(type.DeepClone(), "null");
        return value;
    }

    private static JsonObject Reference(Type type) => new() { ["$ref"] = $"#/$defs/{type.Name}" };

    private static JsonArray Names(IEnumerable<string> names) => new([.. names.Select(name => (JsonNode)name)]);
}
