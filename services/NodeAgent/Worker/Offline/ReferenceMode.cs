using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;

namespace TrainMover.Worker.Offline;

/// <summary>Trains a whole job in this process, one thread per rank, without control plane and interruptions.</summary>
internal static class ReferenceMode
{
    public static async Task RunAsync(JobSpec job, string resultFile)
    {
        TorchRuntime.Load();
        var model = new ByteGpt(JobTranslation.ToShape(job));
        var result = await ReferenceRun.RunAsync(model, JobTranslation.ToRecipe(job), Corpus.Load(job.DataFile), JobTranslation.ToLayout(job));
        var parameters = model.Parameters.Sum(parameter => parameter.Dimensions.Aggregate(1L, (product, size) => product * size));
        var text = JsonSerializer.Serialize(new { Parameters = parameters, result.LossBits, result.Digests }, Catalog.Json);
        await File.WriteAllTextAsync(resultFile + ".new", text, CancellationToken.None);
        File.Move(resultFile + ".new", resultFile, overwrite: true);
    }
}
