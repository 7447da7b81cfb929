using System.CommandLine;
using TrainMover.Cli.Bench.Detect;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Metrics;
using TrainMover.Telemetry;

namespace TrainMover.Cli.Verbs;

internal static class TrainDetectorVerb
{
    public static Command Create()
    {
        var machineClass = new Option<string>("--machine-class") { Description = "Class of the machines: those that do the same work.", Required = true };
        var data = new Option<string[]>("--data")
        {
            Description = "CSV files, one per machine that was well, .gz or not: a row per sample, a column per metric, no header.",
            Required = true,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
        };
        var folder = new Option<string>("--out", "-o") { Description = "Folder of the models; TRAINMOVER_MODELS of the Detector names it.", Required = true };
        var metrics = new Option<string?>("--metrics") { Description = "File with the names of the columns, as telemetry names them; metric_names.txt beside the first CSV by default." };
        var interval = new Option<string>("--interval") { Description = "Time between two samples.", DefaultValueFactory = _ => "1m" };
        var alarms = new Option<double>("--alarms-per-day") { Description = "Alarms per machine and day that normal data may raise: the threshold.", DefaultValueFactory = _ => 1 };
        var command = new Command("train-detector", "Learns from normal metrics what is normal for a class of machines, for the detector learned-metrics.");
        foreach (var option in (Option[])[machineClass, data, folder, metrics, interval, alarms]) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            var output = Output.Of(parsed);
            var name = Name(parsed.GetRequiredValue(machineClass));
            var files = parsed.GetRequiredValue(data);
            var samples = files.Select(Read).ToList();
            foreach (var (file, columns) in files.Zip(samples, (file, rows) => (file, rows[0].Length)))
            {
                if (columns != samples[0][0].Length) throw new BadInputException($"{file} has {columns} columns, and {files[0]} {samples[0][0].Length}: machines of a class have the same metrics.");
            }

            var trained = Train(
                name, MetricNames.Beside(files[0], samples[0][0].Length, parsed.GetValue(metrics)), samples, Length(parsed.GetRequiredValue(interval)),
                parsed.GetValue(alarms), output.Progress);
            var path = MetricModelFolder.Save(trained, parsed.GetRequiredValue(folder));
            Tell(output, trained, path, samples.Sum(machine => machine.Count));
        });
        return command;
    }

    private static MetricModel Train(string machineClass, IReadOnlyList<string> metrics, List<List<double[]>> samples, TimeSpan interval, double alarms, IProgress<string> progress)
    {
        if (!(alarms is > 0 and <= 1000)) throw new BadInputException("--alarms-per-day is above 0, and at most 1000.");
        try
        {
            var model = MetricTraining.Train(machineClass, metrics, samples, new MetricModelSettings { Interval = interval }, progress);
            return model.WithThreshold(model.ThresholdFor(alarms, (int)Math.Max(1, TimeSpan.FromDays(1) / interval)));
        }
        catch (Exception unfit) when (unfit is ArgumentException or SettingsException)
        {
            throw new BadInputException(unfit.Message.Split(" (Parameter", 2)[0]);
        }
    }

    private static void Tell(Output output, MetricModel model, string path, int samples)
    {
        var days = samples * model.Settings.Interval.TotalDays;
        var trained = new Trained(
            model.MachineClass, Path.GetFileNameWithoutExtension(path), path, model.Metrics, samples, model.Settings.Interval.TotalSeconds, model.Threshold, model.Alarms(model.Threshold), model.Alarms(model.Threshold) / days);
        if (output.IsJson)
        {
            output.Json(trained);
            return;
        }

        output.Line($"{trained.Version}: {trained.Metrics.Count} metrics, learned from {samples} samples ({days:0.#} machine-days).");
        output.Line($"Threshold {trained.Threshold:0.00}: the normal data itself raises {trained.Alarms} alarms at it ({trained.AlarmsPerDay:0.00} per machine and day), under models that did not see it.");
        output.Line($"Saved as {path}, and in force for {trained.MachineClass} from the next start of a Detector with TRAINMOVER_MODELS={Path.GetDirectoryName(Path.GetFullPath(path))}.");
    }

    private static List<double[]> Read(string file) => File.Exists(file) ? Tables.Numbers(file) : throw new BadInputException($"{file} is missing.");

    private static string Name(string machineClass) =>
        MetricModelFile.IsName(machineClass) ? machineClass : throw new BadInputException($"--machine-class '{machineClass}' holds letters, digits, dots, dashes and underscores, at most 64, and begins with a letter or a digit.");

    private static TimeSpan Length(string text) => Duration.Parse(text) ?? throw new BadInputException($"--interval '{text}' is not {Duration.Shape}.");

    private sealed record Trained(
        string MachineClass, string Version, string Path, IReadOnlyList<string> Metrics, int Samples, double IntervalSeconds, double Threshold, int Alarms, double AlarmsPerDay);
}
