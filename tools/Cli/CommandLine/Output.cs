using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using TrainMover.Contracts;

namespace TrainMover.Cli.CommandLine;

/// <summary>Where a verb writes: people's tables or JSON on standard output, progress and errors on standard error.</summary>
internal sealed class Output
{
    private static readonly JsonSerializerOptions Indented = new(Catalog.Json) { WriteIndented = true };

    public static Option<bool> JsonOption { get; } = new("--json") { Description = "Write JSON instead of tables." };

    private readonly TextWriter _out = System.Console.Out;

    private Output(bool json)
    {
        IsJson = json;
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_out) });
        if (System.Console.IsOutputRedirected) Console.Profile.Width = 200;
    }

    public bool IsJson { get; }

    public IAnsiConsole Console { get; }

    /// <summary>Tells people what is going on, on standard error, so that it never mixes with a result.</summary>
    public IProgress<string> Progress { get; } = new ErrorLines();

    public static Output ForPeople() => new(json: false);

    public static Output Of(ParseResult parsed) => new(parsed.GetValue(JsonOption));

    public static void Error(string message) => System.Console.Error.WriteLine($"trainmover: {message.ReplaceLineEndings(" ")}");

    public void Json(object value) => _out.WriteLine(JsonSerializer.Serialize(value, Indented));

    public void JsonLine(object value) => _out.WriteLine(JsonSerializer.Serialize(value, Catalog.Json));

    public void Line(string text = "") => _out.WriteLine(text);

    public static Table Table(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)));
        return table;
    }

    private sealed class ErrorLines : IProgress<string>
    {
        public void Report(string value) => System.Console.Error.WriteLine($"trainmover: {value}");
    }
}

internal static class TableRows
{
    /// <summary>Adds a row of plain text.</summary>
    public static Table Row(this Table table, params string[] cells) => table.AddRow(cells.Select(Markup.Escape).ToArray());
}
