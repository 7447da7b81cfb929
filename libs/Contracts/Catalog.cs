using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TrainMover.Contracts;

/// <summary>One versioned message type of the catalogue.</summary>
/// <param name="Name">CloudEvents type.</param>
/// <param name="ClrType">The record that is its body.</param>
/// <param name="Topic">Topic without prefix.</param>
public sealed record CatalogEntry(string Name, Type ClrType, string Topic);

/// <summary>Every message the system writes or reads, by its versioned name; and the JSON options all of them share.</summary>
public static class Catalog
{
    /// <summary>All message types, ordered by name.</summary>
    public static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        .. from type in typeof(Catalog).Assembly.GetExportedTypes()
           let attribute = type.GetCustomAttribute<EventTypeAttribute>()
           where attribute is not null
           orderby attribute.Name
           select new CatalogEntry(attribute.Name, type, attribute.Topic),
    ];

    private static readonly FrozenDictionary<string, CatalogEntry> ByName = Entries.ToFrozenDictionary(entry => entry.Name);
    private static readonly FrozenDictionary<Type, CatalogEntry> ByType = Entries.ToFrozenDictionary(entry => entry.ClrType);

    /// <summary>
    /// camelCase and exact, enums by their wire names, absent instead of null; on reading, everything that is neither nullable nor defaulted
    /// must be there and must not be null (list elements included), and no property may appear twice. Unknown properties are ignored.
    /// </summary>
    public static JsonSerializerOptions Json { get; } = CreateJson();

    /// <summary>The entry of a versioned type name, or null when this build does not know it.</summary>
    public static CatalogEntry? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The entry of a message's CLR type.</summary>
    /// <exception cref="ArgumentException">The type carries no <see cref="EventTypeAttribute"/>.</exception>
    public static CatalogEntry Of(Type type) =>
        ByType.GetValueOrDefault(type) ?? throw new ArgumentException($"{type.Name} is not a message of the catalogue: give it [EventType].", nameof(type));

    /// <summary>Versioned names to CLR types of the events that live in the event log (interruptions, detectors, fleet, jobs, migrations).</summary>
    public static IReadOnlyDictionary<string, Type> LoggedEvents { get; } =
        Entries.Where(entry => entry.Topic is Topics.Interruptions or Topics.Detectors or Topics.Fleet or Topics.Migrations)
            .ToFrozenDictionary(entry => entry.Name, entry => entry.ClrType);

    private static JsonSerializerOptions CreateJson()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            PropertyNameCaseInsensitive = false,
            AllowDuplicateProperties = false,
            // jsonb and other writers do not keep the order of properties: a discriminator may come late.
            AllowOutOfOrderMetadataProperties = true,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            NumberHandling = JsonNumberHandling.Strict,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver
            {
                Modifiers = { Strictness.NullableMayBeAbsent, Strictness.NoNullElements, Strictness.DiscriminatorIsRequired },
            },
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.MakeReadOnly();
        return options;
    }
}
