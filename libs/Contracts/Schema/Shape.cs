using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TrainMover.Contracts.Schema;

/// <summary>One field of a shape, as it stands on the wire.</summary>
/// <param name="Name">Wire name.</param>
/// <param name="Type">Type of the field, or of an element where it is a list; never <see cref="Nullable{T}"/>.</param>
/// <param name="IsList">Whether it is a list.</param>
/// <param name="Required">A body without it is refused.</param>
/// <param name="Nullable">Null reads as absent.</param>
/// <param name="Default">Value that an absent field reads as.</param>
/// <param name="Leaf">Schema of a field (or element) that is no record and no enum.</param>
/// <param name="Description">Meaning.</param>
internal sealed record Field(string Name, Type Type, bool IsList, bool Required, bool Nullable, JsonNode? Default, JsonObject? Leaf, string Description);

/// <summary>A record, an enum or one of several records told apart by a discriminator, as it stands on the wire.</summary>
/// <param name="Type">The CLR type.</param>
/// <param name="Description">Meaning.</param>
/// <param name="Fields">Fields of a record; those of the base last.</param>
/// <param name="Values">Wire names and meanings of an enum.</param>
/// <param name="Discriminator">Name of the discriminator, of a base and of its variants.</param>
/// <param name="Variants">Discriminator values and types of a base.</param>
internal sealed record Shape(
    Type Type,
    string Description,
    IReadOnlyList<Field> Fields,
    IReadOnlyList<(string Name, string Description)> Values,
    string? Discriminator,
    IReadOnlyList<(string Value, Type Type)> Variants)
{
    /// <summary>The shape of a record or an enum, as <see cref="Catalog.Json"/> reads and writes it.</summary>
    public static Shape Of(Type type, DocComments docs)
    {
        if (type.IsEnum)
        {
            var values = Enum.GetNames(type).Select(member => (WireName(type, member), docs.OfEnumMember(type, member)));
            return new(type, docs.OfType(type), [], [.. values], null, []);
        }

        var json = Catalog.Json.GetTypeInfo(type);
        if (type.IsAbstract && json.PolymorphismOptions is { } options)
        {
            return new(
                type, docs.OfType(type), [], [], options.TypeDiscriminatorPropertyName,
                [.. options.DerivedTypes.Select(derived => ((string)derived.TypeDiscriminator!, derived.DerivedType))]);
        }

        var fields = json.Properties.Where(property => property.Get is not null).Select(property => FieldOf(property, docs));
        return new(type, docs.OfType(type), [.. fields], [], null, []);
    }

    /// <summary>Whether a field of this type is described by a shape of its own.</summary>
    public static bool IsShape(Type type) => type.Assembly == typeof(Catalog).Assembly;

    private static Field FieldOf(JsonPropertyInfo property, DocComments docs)
    {
        var declared = (PropertyInfo)property.AttributeProvider!;
        var isList = property.PropertyType is { IsGenericType: true } generic && generic.GetGenericTypeDefinition() == typeof(IReadOnlyList<>);
        var type = isList ? property.PropertyType.GetGenericArguments()[0] : property.PropertyType;
        var bare = System.Nullable.GetUnderlyingType(type) ?? type;
        var fallback = property.AssociatedParameter is { HasDefaultValue: true, DefaultValue: { } value }
            ? JsonSerializer.SerializeToNode(value, bare, Catalog.Json)
            : null;
        return new(
            property.Name, bare, isList, property.IsRequired, !property.IsRequired && fallback is null, fallback,
            IsShape(bare) ? null : LeafOf(bare, property.NumberHandling), docs.OfProperty(declared.DeclaringType!, declared.Name));
    }

    private static JsonObject LeafOf(Type type, JsonNumberHandling? handling)
    {
        var options = handling is null ? Catalog.Json : new JsonSerializerOptions(Catalog.Json) { NumberHandling = handling.Value };
        var node = JsonSchemaExporter.GetJsonSchemaAsNode(options, type, new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true }).AsObject();
        if (type == typeof(uint) || type == typeof(ulong))
            node["minimum"] = 0;
        if (type == typeof(int))
            node["format"] = "int32";
        else if (type == typeof(long))
            node["format"] = "int64";
        return node;
    }

    private static string WireName(Type type, string member) =>
        JsonSerializer.SerializeToNode(Enum.Parse(type, member), type, Catalog.Json)!.GetValue<string>();
}
