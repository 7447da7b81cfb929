using System.Globalization;
using System.IO.Compression;
using CsvHelper;
using CsvHelper.Configuration;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Reads tables of the data folder; what does not fit is told with file and row.</summary>
internal static class Tables
{
    /// <summary>Rows by name of the column.</summary>
    public static IEnumerable<Row> Named(string path)
    {
        using var csv = Open(path, hasHeader: true);
        if (!csv.Read() || !csv.ReadHeader()) throw new BadInputException($"{path} is empty.");
        while (csv.Read()) yield return new Row(path, csv);
    }

    /// <summary>Rows of numbers, without a header. An empty cell is no number.</summary>
    public static List<double[]> Numbers(string path)
    {
        using var csv = Open(path, hasHeader: false);
        var rows = new List<double[]>();
        while (csv.Read())
        {
            var row = new double[csv.Parser.Count];
            for (var column = 0; column < row.Length; column++) row[column] = new Row(path, csv).Measured(column);
            if (rows.Count > 0 && rows[0].Length != row.Length) throw new BadInputException($"{path}, row {csv.Parser.RawRow}: {row.Length} columns, {rows[0].Length} before.");
            rows.Add(row);
        }

        return rows.Count > 0 ? rows : throw new BadInputException($"{path} is empty.");
    }

    private static CsvReader Open(string path, bool hasHeader)
    {
        Stream file = File.OpenRead(path);
        if (path.EndsWith(".gz", StringComparison.Ordinal)) file = new GZipStream(file, CompressionMode.Decompress);
        return new CsvReader(new StreamReader(file), new CsvConfiguration(CultureInfo.InvariantCulture) { HasHeaderRecord = hasHeader });
    }

    internal readonly struct Row(string path, CsvReader csv)
    {
        public string Text(string column) => csv.TryGetField<string>(column, out var text) ? text! : throw new BadInputException($"{path} has no column \"{column}\".");

        public double Number(string column) => Parse(Text(column));

        /// <summary>The number; no number where the cell is empty.</summary>
        public double Measured(string column) => Text(column) is { } text && !string.IsNullOrWhiteSpace(text) ? Parse(text) : double.NaN;

        public int Whole(string column) => (int)Number(column);

        public double Measured(int column) => csv.GetField(column) is { } text && !string.IsNullOrWhiteSpace(text) ? Parse(text) : double.NaN;

        private double Parse(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new BadInputException($"{path}, row {csv.Parser.RawRow}: \"{text}\" is not a number.");
    }
}
