using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainMover.Contracts.Schema;

/// <summary>
/// The documents that describe the catalogue to the world, generated from it and from its doc comments: a JSON Schema (2020-12) per message, an
/// AsyncAPI 3.0 document and a readable reference. The same catalogue gives the same bytes.
/// </summary>
public static class SchemaDocuments
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// All documents: path relative to the repository (<c>docs/schemas/TYPE.json</c>, <c>docs/asyncapi.json</c>, <c>docs/events.md</c>) to text.
    /// </summary>
    /// <exception cref="FileNotFoundException">The doc comments file is not beside the assembly.</exception>
    /// <exception cref="InvalidOperationException">A message, field or enum value has no doc comment, or a message has no example.</exception>
    public static IReadOnlyDictionary<string, string> Generate()
    {
        var docs = DocComments.Load();
        var documents = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["docs/asyncapi.json"] = Text(AsyncApiDocument.Of(docs)),
            ["docs/events.md"] = EventsReference.Of(docs),
        };
        foreach (var entry in Catalog.Entries)
            documents[$"docs/schemas/{entry.Name}.json"] = Text(MessageSchema.Of(entry, docs));
        return documents;
    }

    /// <summary>Writes all documents under a folder and deletes schemas of messages that the catalogue does not have any more.</summary>
    /// <param name="root">Root of the repository.</param>
    /// <returns>Relative paths of the files that were written, changed or deleted; empty when all were up to date.</returns>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static IReadOnlyList<string> WriteTo(string root)
    {
        var documents = Generate();
        var changed = new List<string>();
        foreach (var (path, text) in documents)
        {
            var file = Path.Combine(root, path);
            if (IsUpToDate(file, text))
                continue;
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            changed.Add(path);
        }

        foreach (var path in Left(root, documents))
        {
            File.Delete(Path.Combine(root, path));
            changed.Add(path);
        }

        return changed;
    }

    /// <summary>Relative paths of the documents that are missing, left over, or differ from the catalogue; empty when all are up to date.</summary>
    /// <param name="root">Root of the repository.</param>
    public static IReadOnlyList<string> Drift(string root)
    {
        var documents = Generate();
        return
        [
            .. documents.Where(document => !IsUpToDate(Path.Combine(root, document.Key), document.Value)).Select(document => document.Key),
            .. Left(root, documents),
        ];
    }

    /// <summary>The body as indented JSON with a line feed at the end, as the reference shows it.</summary>
    internal static string Text(JsonNode node) => node.ToJsonString(Readable) + "\n";

    private static bool IsUpToDate(string file, string text) => File.Exists(file) && File.ReadAllText(file) == text;

    private static IEnumerable<string> Left(string root, IReadOnlyDictionary<string, string> documents)
    {
        var schemas = Path.Combine(root, "docs", "schemas");
        if (!Directory.Exists(schemas))
            return [];
        return Directory.EnumerateFiles(schemas, "*.json")
            .Select(file => $"docs/schemas/{Path.GetFileName(file)}")
            .Where(path => !documents.ContainsKey(path))
            .Order(StringComparer.Ordinal);
    }
}
