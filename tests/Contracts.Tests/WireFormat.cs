using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using TrainMover.Contracts.Schema;

namespace TrainMover.Contracts.Tests;

/// <summary>An example of the catalogue in one of its two forms: everything present, or only what must be there.</summary>
public sealed record WireExample(CatalogEntry Entry, string? Variant, bool Full, JsonNode Json)
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string FileName => $"{Entry.Name}{(Variant is null ? "" : "." + Variant)}.{(Full ? "full" : "minimal")}.json";

    public string Text => Json.ToJsonString(Readable) + "\n";

    public static IReadOnlyList<WireExample> All { get; } =
    [
        .. from entry in Catalog.Entries
           from example in Examples.Of(entry.ClrType)
           let full = JsonSerializer.SerializeToNode(example.Body, entry.ClrType, Catalog.Json)!
           from isFull in new[] { true, false }
           select new WireExample(entry, example.Variant, isFull, isFull ? full : Required(full, entry.ClrType)),
    ];

    public static TheoryData<string> Names { get; } = [.. All.Select(example => example.FileName)];

    public static WireExample Of(string fileName) => All.Single(example => example.FileName == fileName);

    public override string ToString() => FileName;

    /// <summary>The record that a body is: of a base, the variant that its discriminator names.</summary>
    public static JsonTypeInfo RecordOf(JsonObject body, Type type)
    {
        var info = Catalog.Json.GetTypeInfo(type);
        if (info.PolymorphismOptions is not { } options)
            return info;
        var variant = body[options.TypeDiscriminatorPropertyName]!.GetValue<string>();
        return Catalog.Json.GetTypeInfo(options.DerivedTypes.Single(derived => (string)derived.TypeDiscriminator! == variant).DerivedType);
    }

    /// <summary>What is left of a body when everything that may be absent is, down to the innermost record.</summary>
    private static JsonNode Required(JsonNode node, Type type)
    {
        if (node is JsonArray items)
            return new JsonArray([.. items.Select(item => Required(item!, type.GetGenericArguments()[0]))]);
        if (node is not JsonObject body)
            return node.DeepClone();
        var info = RecordOf(body, type);
        var left = new JsonObject();
        if (Catalog.Json.GetTypeInfo(type).PolymorphismOptions is { } options)
            left[options.TypeDiscriminatorPropertyName] = body[options.TypeDiscriminatorPropertyName]!.DeepClone();
        foreach (var property in info.Properties.Where(property => property.IsRequired && body.ContainsKey(property.Name)))
            left[property.Name] = Required(body[property.Name]!, property.PropertyType);
        return left;
    }
}

public sealed class WireFormatTests
{
    private static readonly string Snapshots = Path.Combine(Repository.Root, "tests", "Contracts.Tests", "Snapshots");

    [Theory]
    [MemberData(nameof(WireExample.Names), MemberType = typeof(WireExample))]
    public void The_wire_format_is_that_of_the_snapshot(string snapshot)
    {
        var file = Path.Combine(Snapshots, snapshot);
        if (Repository.Update)
        {
            Directory.CreateDirectory(Snapshots);
            File.WriteAllText(file, WireExample.Of(snapshot).Text);
        }

        File.Exists(file).ShouldBeTrue($"{snapshot} is missing: run these tests with UPDATE_SNAPSHOTS=1, look at what changed, and commit it");
        WireExample.Of(snapshot).Text.ShouldBe(File.ReadAllText(file), "readers in the field hold this shape: another one needs another version");
    }

    [Theory]
    [MemberData(nameof(WireExample.Names), MemberType = typeof(WireExample))]
    public void A_snapshot_reads_and_is_written_again_without_loss(string snapshot)
    {
        var example = WireExample.Of(snapshot);
        var text = File.ReadAllText(Path.Combine(Snapshots, snapshot));
        var body = JsonSerializer.Deserialize(text, example.Entry.ClrType, Catalog.Json);
        var again = JsonSerializer.SerializeToNode(body, example.Entry.ClrType, Catalog.Json);
        // Defaults are written out, so a minimal body may only grow, by defaults.
        Lost(JsonNode.Parse(text), again, "$").ShouldBeEmpty();
        if (example.Full)
            JsonNode.DeepEquals(JsonNode.Parse(text), again).ShouldBeTrue();
        var second = JsonSerializer.Deserialize(again, example.Entry.ClrType, Catalog.Json);
        var twice = JsonSerializer.SerializeToNode(second, example.Entry.ClrType, Catalog.Json);
        JsonNode.DeepEquals(again, twice).ShouldBeTrue();
    }

    [Fact]
    public void Every_snapshot_belongs_to_an_example() =>
        Directory.EnumerateFiles(Snapshots, "*.json").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)
            .ShouldBe(WireExample.All.Select(example => example.FileName).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_variant_of_an_order_and_of_a_report_has_an_example()
    {
        foreach (var (message, body) in new[] { (typeof(Commands.AgentCommand), typeof(Commands.AgentOrder)), (typeof(Progress.AgentReport), typeof(Progress.MachineReport)) })
        {
            var variants = Catalog.Json.GetTypeInfo(body).PolymorphismOptions!.DerivedTypes.Select(derived => (string)derived.TypeDiscriminator!);
            Examples.Of(message).Select(example => example.Variant).ShouldBe(variants);
            body.Assembly.GetExportedTypes().Count(type => type.BaseType == body).ShouldBe(variants.Count());
        }
    }

    [Fact]
    public void Every_field_of_every_record_is_present_in_a_full_example()
    {
        var fields = WireExample.All.Where(example => example.Full)
            .SelectMany(example => Fields(example.Json, example.Entry.ClrType))
            .ToLookup(field => field.Present, field => field.Name);
        fields[false].Except(fields[true]).ShouldBeEmpty();
    }

    private static IEnumerable<string> Lost(JsonNode? before, JsonNode? after, string path) => (before, after) switch
    {
        (JsonObject fields, JsonObject others) => fields.SelectMany(field => Lost(field.Value, others[field.Key], $"{path}.{field.Key}")),
        (JsonArray items, JsonArray others) when items.Count == others.Count => items.SelectMany((item, index) => Lost(item, others[index], $"{path}[{index}]")),
        _ => JsonNode.DeepEquals(before, after) ? [] : [path],
    };

    private static IEnumerable<(string Name, bool Present)> Fields(JsonNode node, Type type)
    {
        if (node is JsonArray items)
            return items.SelectMany(item => Fields(item!, type.GetGenericArguments()[0]));
        if (node is not JsonObject body)
            return [];
        var info = WireExample.RecordOf(body, type);
        return info.Properties.Where(property => property.Get is not null).SelectMany(property => body[property.Name] is { } value
            ? Fields(value, property.PropertyType).Prepend(($"{info.Type.Name}.{property.Name}", true))
            : [($"{info.Type.Name}.{property.Name}", false)]);
    }
}
