using System.Text;

namespace TrainMover.Telemetry.Labelled;

/// <summary>Rows of a comma-separated text with a header: fields in quotation marks may hold commas, line ends and doubled quotation marks.</summary>
internal static class CsvRows
{
    public static IEnumerable<IReadOnlyDictionary<string, string>> Read(string text)
    {
        IReadOnlyList<string>? header = null;
        foreach (var row in Split(text))
        {
            if (header is null) header = row;
            else if (row.Count == header.Count) yield return header.Zip(row).ToDictionary(field => field.First, field => field.Second, StringComparer.Ordinal);
            else throw new FormatException($"A row has {row.Count} fields instead of {header.Count}: {string.Join(", ", row)}.");
        }
    }

    private static IEnumerable<IReadOnlyList<string>> Split(string text)
    {
        var row = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var next = text[i];
            if (next == '"' && quoted && i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append('"');
                i++;
            }
            else if (next == '"')
            {
                quoted = !quoted;
            }
            else if (next is ',' or '\n' && !quoted)
            {
                row.Add(field.ToString());
                field.Clear();
                if (next == ',') continue;
                yield return row;
                row = [];
            }
            else if (next != '\r' || quoted)
            {
                field.Append(next);
            }
        }

        if (field.Length == 0 && row.Count == 0) yield break;
        row.Add(field.ToString());
        yield return row;
    }
}
