using System.Text.RegularExpressions;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Jobs;
using TrainMover.Domain.Jobs;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace TrainMover.Cli.Jobs;

/// <summary>A job as it is written in YAML; <c>docs/job.yaml</c> explains the fields.</summary>
internal sealed partial class JobFile
{
    public string? Id { get; set; }

    public JobFileLayout Layout { get; set; } = new();

    public int Steps { get; set; } = 100;

    public ulong Seed { get; set; } = 1;

    public int BatchPerRank { get; set; } = 4;

    public float LearningRate { get; set; } = 3e-4f;

    public JobFileModel Model { get; set; } = new();

    public string? Data { get; set; }

    public int MicroBatches { get; set; } = 1;

    public int? DevicesPerMachine { get; set; }

    public bool ShardOptimizer { get; set; }

    public int CheckpointEvery { get; set; }

    public JobFileTechniques Techniques { get; set; } = new();

    /// <summary>Machines that the job trains on.</summary>
    [YamlIgnore]
    public int Machines => Layout.Dp * Layout.Pp * Layout.Tp / (DevicesPerMachine ?? Layout.Tp);

    public static JobFile Read(string file)
    {
        if (!File.Exists(file)) throw new BadInputException($"{file} does not exist: docs/job.yaml is an example.");
        try
        {
            return new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build().Deserialize<JobFile?>(File.ReadAllText(file))
                ?? throw new BadInputException($"{file} is empty: docs/job.yaml is an example.");
        }
        catch (YamlException exception)
        {
            var why = (exception.InnerException ?? exception).Message;
            throw new BadInputException($"{file}, line {exception.Start.Line}: {why.TrimEnd('.')}: docs/job.yaml explains the fields.");
        }
    }

    /// <summary>The specification; <paramref name="dataFile"/> and <paramref name="directory"/> are where the text and the job's folder lie.</summary>
    public JobSpec ToSpec(string id, string dataFile, string directory)
    {
        Check(JobId().IsMatch(id), $"id \"{id}\" may hold lower-case letters, digits and dashes (at most 40)");
        Check(Layout is { Dp: >= 1 and <= 64, Pp: >= 1 and <= 64, Tp: >= 1 and <= 64 }, "layout takes dp, pp and tp from 1 to 64");
        Check(Steps is >= 1 and <= 1_000_000, "steps goes from 1 to 1000000");
        Check(BatchPerRank is >= 1 and <= 1024, "batchPerRank goes from 1 to 1024");
        Check(LearningRate is > 0 and < 1, "learningRate lies between 0 and 1");
        Check(Model.Layers is >= 1 and <= 64, "model.layers goes from 1 to 64");
        Check(Model.Heads >= 1 && Model.Width >= 8 && Model.Width % Model.Heads == 0 && Model.Width <= 8192, "model.width is a multiple of model.heads, from 8 to 8192");
        Check(Model.Context is >= 2 and <= 4096, "model.context goes from 2 to 4096");
        Check(Model.Dropout is >= 0 and < 1, "model.dropout goes from 0 up to, but not including, 1");
        var spec = new JobSpec(
            id, new JobLayout(Layout.Dp, Layout.Pp, Layout.Tp), Steps, Seed, BatchPerRank, LearningRate,
            new JobModel(Model.Layers, Model.Width, Model.Heads, Model.Context, Model.Dropout), dataFile, directory,
            MicroBatches, DevicesPerMachine, ShardOptimizer, CheckpointEvery,
            new JobTechniques(Techniques.TwoPhaseGroups, Techniques.Sandbox, Techniques.Following, Techniques.ArmedStandby, Techniques.HotStandby));
        if (JobRules.BrokenBy(spec) is { } broken) Check(holds: false, broken);
        Check(spec.Machines >= 2, "layout needs 2 machines or more: of a single one nobody is left when it fails");
        return spec;
    }

    private static void Check(bool holds, string rule)
    {
        if (!holds) throw new BadInputException($"The job does not work: {rule}. docs/job.yaml explains the fields.");
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,39}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex JobId();
}

internal sealed class JobFileLayout
{
    public int Dp { get; set; } = 3;

    public int Pp { get; set; } = 1;

    public int Tp { get; set; } = 1;
}

internal sealed class JobFileModel
{
    public int Layers { get; set; } = 5;

    public int Width { get; set; } = 128;

    public int Heads { get; set; } = 4;

    public int Context { get; set; } = 64;

    public float Dropout { get; set; } = 0.1f;
}

internal sealed class JobFileTechniques
{
    public bool TwoPhaseGroups { get; set; } = true;

    public bool Sandbox { get; set; } = true;

    public bool Following { get; set; } = true;

    public bool ArmedStandby { get; set; } = true;

    public bool HotStandby { get; set; } = true;
}
