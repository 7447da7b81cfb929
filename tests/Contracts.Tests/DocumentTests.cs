using System.Text.Json.Nodes;
using TrainMover.Contracts.Schema;

namespace TrainMover.Contracts.Tests;

public sealed class DocumentTests
{
    [Fact]
    public void Committed_documents_are_what_the_catalogue_gives()
    {
        if (Repository.Update)
            SchemaDocuments.WriteTo(Repository.Root);
        SchemaDocuments.Drift(Repository.Root).ShouldBeEmpty("these documents are out of date: run ./trainmover docs and commit what it writes");
    }

    [Fact]
    public void The_same_catalogue_gives_the_same_bytes() => SchemaDocuments.Generate().ShouldBe(SchemaDocuments.Generate());

    [Fact]
    public void Writing_makes_a_missing_a_changed_and_a_left_over_document_right_and_then_has_nothing_to_do()
    {
        var root = Directory.CreateTempSubdirectory("trainmover-docs-").FullName;
        try
        {
            SchemaDocuments.WriteTo(root).ShouldBe(SchemaDocuments.Generate().Keys);
            File.Delete(Path.Combine(root, "docs/events.md"));
            File.AppendAllText(Path.Combine(root, "docs/asyncapi.json"), " ");
            File.WriteAllText(Path.Combine(root, "docs/schemas/trainmover.gone.v1.json"), "{}");
            string[] wrong = ["docs/asyncapi.json", "docs/events.md", "docs/schemas/trainmover.gone.v1.json"];
            SchemaDocuments.Drift(root).ShouldBe(wrong);
            SchemaDocuments.WriteTo(root).ShouldBe(wrong);
            SchemaDocuments.Drift(root).ShouldBeEmpty();
            SchemaDocuments.WriteTo(root).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void Every_reference_of_the_asyncapi_document_leads_somewhere()
    {
        var documents = SchemaDocuments.Generate();
        var document = JsonNode.Parse(documents["docs/asyncapi.json"])!;
        foreach (var reference in References(document))
        {
            if (reference.StartsWith("./", StringComparison.Ordinal))
                documents.Keys.ShouldContain("docs/" + reference[2..]);
            else
                reference.Split('/').Skip(1).Aggregate((JsonNode?)document, (node, name) => node?[name]).ShouldNotBeNull(reference);
        }
    }

    [Fact]
    public void Every_message_is_sent_and_received_by_somebody()
    {
        var operations = JsonNode.Parse(SchemaDocuments.Generate()["docs/asyncapi.json"])!["operations"]!.AsObject();
        foreach (var action in new[] { "send", "receive" })
        {
            var handled = operations.Where(operation => operation.Value!["action"]!.GetValue<string>() == action)
                .SelectMany(operation => operation.Value!["messages"]!.AsArray(), (_, message) => message!["$ref"]!.GetValue<string>().Split('/')[^1]);
            Catalog.Entries.Select(entry => entry.Name).Except(handled).ShouldBeEmpty($"nobody is said to {action} these");
        }
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject fields => fields.SelectMany(field => field.Key == "$ref" ? [field.Value!.GetValue<string>()] : References(field.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };
}
