using System.Globalization;
using System.IO.Compression;
using System.Text;
using TrainMover.Cli.Bench.Detect;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Tests;

/// <summary>Data folders with names, lengths and gaps of their own: nothing depends on more than the layout.</summary>
public sealed class DataFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("trainmover-data-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_folder_that_is_missing_or_holds_no_data_of_some_kind_is_refused_with_what_is_missing()
    {
        Should.Throw<BadInputException>(() => DetectionData.In(Path.Combine(_root, "nowhere"))).Message.ShouldStartWith($"The data folder {Path.Combine(_root, "nowhere")} does not exist");
        Should.Throw<BadInputException>(() => DetectionData.In(_root)).Message.ShouldStartWith($"{_root} holds no folder with machine metrics (*_train.csv.gz)");
        Machine("any", "one", 64, 64, _ => false);
        Should.Throw<BadInputException>(() => DetectionData.In(_root)).Message.ShouldStartWith($"{_root} holds no folder with labelled series");
    }

    [Fact]
    public void Machines_of_any_name_length_and_interval_are_measured_gaps_and_machines_without_an_anomaly_included()
    {
        Machine("any", "web-7", 300, 200, sample => sample is >= 120 and < 150, gapEvery: 17);
        Machine("any", "quiet", 64, 50, _ => false);
        File.WriteAllText(Path.Combine(_root, "any", "interval.txt"), "30");
        var measured = LearnedPart.Run([Path.Combine(_root, "any")], _root, null, new Progress<string>());
        var details = (LearnedDetails)measured.Details;
        details.Machines.Select(machine => (machine.Machine, machine.TestDays)).ShouldBe([("quiet", 50 / 2880.0), ("web-7", 200 / 2880.0)]);
        details.Machines[1].AtQuantile.Labelled.ShouldBe(1);
        // The mean is over those that have something to find.
        details.Sets.ShouldHaveSingleItem().ShouldBe(new SetResult("any", 1, details.Machines[1].Precision, details.Machines[1].Recall, details.Machines[1].F1, details.Machines[1].YardstickF1));
        measured.Bars.Count.ShouldBe(details.Machines[1].YardstickF1 < 0.5 ? 1 : 0);
    }

    [Fact]
    public void Machines_without_any_anomaly_have_rows_and_no_bar()
    {
        Machine("any", "quiet", 64, 50, _ => false);
        var measured = LearnedPart.Run([Path.Combine(_root, "any")], _root, null, new Progress<string>());
        measured.Bars.ShouldBeEmpty();
        measured.Rows.ShouldAllBe(row => row.Faults == 0 && row.Recall == null);
        System.Text.Json.JsonSerializer.Serialize(measured.Details, Contracts.Catalog.Json).ShouldContain("quiet");
    }

    [Fact]
    public void What_does_not_fit_together_is_told_with_file_and_count()
    {
        Machine("any", "short", 10, 10, _ => false);
        Should.Throw<BadInputException>(() => Learned()).Message.ShouldEndWith("has 10 samples to learn from; 32 are the least.");
        Machine("any", "short", 64, 10, _ => false);
        File.WriteAllText(Path.Combine(_root, "any", "short_test_label.txt"), "0\n1\n");
        Should.Throw<BadInputException>(() => Learned()).Message.ShouldEndWith("short has 10 samples and 2 labels.");
        File.Delete(Path.Combine(_root, "any", "short_test_label.txt"));
        Should.Throw<BadInputException>(() => Learned()).Message.ShouldEndWith("short_test_label.txt is missing.");

        void Learned() => LearnedPart.Run([Path.Combine(_root, "any")], _root, null, new Progress<string>());
    }

    [Fact]
    public void A_bar_is_for_categories_with_ten_windows_whatever_they_are_called()
    {
        for (var series = 0; series < 10; series++) Series($"artificialThings/s{series}.csv", 400, hasWindow: true);
        Series("realThings/one.csv", 400, hasWindow: true);
        Series("emptyThings/none.csv", 400, hasWindow: false, gapEvery: 13);
        var measured = SeriesPart.Run([WriteLabels()], new Progress<string>());
        measured.Bars.ShouldHaveSingleItem().Name.ShouldStartWith("artificialThings: ");
        measured.Rows.Select(row => (row.Data, row.Faults)).ShouldBe([("artificialThings", 10), ("emptyThings", 0), ("realThings", 1)]);
        System.Text.Json.JsonSerializer.Serialize(measured.Details, Contracts.Catalog.Json).ShouldContain("emptyThings");
    }

    [Fact]
    public void Windows_may_begin_and_end_between_samples_and_one_outside_is_refused()
    {
        Series("any/s.csv", 400, hasWindow: true, shift: TimeSpan.FromSeconds(30));
        var measured = SeriesPart.Run([WriteLabels()], new Progress<string>());
        measured.Rows.ShouldHaveSingleItem().Faults.ShouldBe(1);
        _windows["any/s.csv"] = [["2031-01-01 00:00:00", "2031-01-02 00:00:00"]];
        Should.Throw<BadInputException>(() => SeriesPart.Run([WriteLabels()], new Progress<string>())).Message.ShouldStartWith("The window of any/s.csv from 2031-01-01T00:00:00");
    }

    private readonly Dictionary<string, string[][]> _windows = [];

    private void Series(string name, int samples, bool hasWindow, int gapEvery = int.MaxValue, TimeSpan shift = default)
    {
        var path = Path.Combine(_root, "series", "data", name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var begin = new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        var text = new StringBuilder("timestamp,value\n");
        for (var sample = 0; sample < samples; sample++)
        {
            var value = (Math.Sin(sample / 7.0) * 3) + (hasWindow && sample is >= 300 and < 310 ? 40 : 0);
            text.Append(CultureInfo.InvariantCulture, $"{begin.AddMinutes(5 * sample):yyyy-MM-dd HH:mm:ss},{(sample % gapEvery == gapEvery - 1 ? "" : value.ToString("R", CultureInfo.InvariantCulture))}\n");
        }

        File.WriteAllText(path, text.ToString());
        _windows[name] = hasWindow ? [[$"{begin.AddMinutes(5 * 295) + shift:yyyy-MM-dd HH:mm:ss}.000000", $"{begin.AddMinutes(5 * 320) + shift:yyyy-MM-dd HH:mm:ss}.000000"]] : [];
    }

    private string WriteLabels()
    {
        var folder = Path.Combine(_root, "series");
        Directory.CreateDirectory(Path.Combine(folder, "labels"));
        File.WriteAllText(Path.Combine(folder, "labels", "combined_windows.json"), System.Text.Json.JsonSerializer.Serialize(_windows));
        return folder;
    }

    private void Machine(string set, string name, int train, int test, Func<int, bool> isAnomaly, int gapEvery = int.MaxValue)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, set)).FullName;
        Write($"{name}_train.csv.gz", train, _ => false);
        Write($"{name}_test.csv.gz", test, isAnomaly);
        File.WriteAllLines(Path.Combine(folder, $"{name}_test_label.txt"), Enumerable.Range(0, test).Select(sample => isAnomaly(sample) ? "1" : "0"));

        void Write(string file, int samples, Func<int, bool> isOff)
        {
            using var writer = new StreamWriter(new GZipStream(File.Create(Path.Combine(folder, file)), CompressionLevel.Fastest));
            for (var sample = 0; sample < samples; sample++)
            {
                var load = Math.Sin(sample / 9.0) + (0.1 * Math.Sin(sample * 1.7));
                var cells = new[] { load, (2 * load) + (isOff(sample) ? 4 : 0), 1 - load, 5 };
                writer.WriteLine(string.Join(',', cells.Select((cell, column) => (sample + column) % gapEvery == gapEvery - 1 ? (column == 1 ? "NaN" : "") : cell.ToString("R", CultureInfo.InvariantCulture))));
            }
        }
    }
}
