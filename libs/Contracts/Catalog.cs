using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

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

    /// <summary>camelCase, enums as camelCase strings, absent instead of null, required members enforced on reading.</summary>
    public static JsonSerializerOptions Json { get; } = CreateJson();

    /// <summary>The entry of a versioned type name, or null when this build does not know it.</summary>
    public static CatalogEntry? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The entry of a message's CLR type.</summary>
    /// <exception cref="ArgumentException">The type carries no <see cref="EventTypeAttribute"/>.</exception>
    public static CatalogEntry Of(Type type) =>
        ByType.GetValueOrDefault(type) ?? throw new ArgumentException($"{type.Name} is not a message of the catalogue: give it [EventType].", nameof(type));

    /// <summary>Versioned names to CLR types of the events that live in the event log (interruptions, fleet, jobs, migrations).</summary>
    public static IReadOnlyDictionary<string, Type> LoggedEvents { get; } =
        Entries.Where(entry => entry.Topic is Topics.Interruptions or Topics.Fleet or Topics.Migrations)
            .ToFrozenDictionary(entry => entry.Name, entry => entry.ClrType);

    private static JsonSerializerOptions CreateJson()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            NumberHandling = JsonNumberHandling.Strict,
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
