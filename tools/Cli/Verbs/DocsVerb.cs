using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Schema;

namespace TrainMover.Cli.Verbs;

internal static class DocsVerb
{
    public static Command Create()
    {
        var command = new Command("docs", "Writes the JSON Schemas, the AsyncAPI document and the events reference in docs/ anew.");
        command.SetAction(parsed =>
        {
            var output = Output.Of(parsed);
            var written = SchemaDocuments.WriteTo(Access.Current().Root);
            if (output.IsJson) output.Json(new { written });
            else output.Line(written.Count == 0 ? "docs/ is up to date." : $"Wrote {string.Join(", ", written)}.");
            return 0;
        });
        return command;
    }
}
