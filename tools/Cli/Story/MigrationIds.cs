using TrainMover.Cli.CommandLine;
using TrainMover.Domain.Migrations;

namespace TrainMover.Cli.Story;

/// <summary>Finds the stream of what a person typed.</summary>
internal static class MigrationIds
{
    private static readonly string[] Kinds = ["migration-", "interruption-", "job-", "machine-"];

    /// <summary>The stream of a migration.</summary>
    public static async Task<string> StreamAsync(OpenLog log, string id, CancellationToken ct)
    {
        var streams = await log.Events.StreamsAsync("migration-", ct);
        return streams.FirstOrDefault(stream => stream == Migration.Stream(id) || stream == id)
            ?? throw new BadInputException($"The log knows no migration {id}: ./trainmover migrations lists them.");
    }

    /// <summary>The stream of a migration, or of whatever else the log holds under this name.</summary>
    public static async Task<string> AnyStreamAsync(OpenLog log, string id, CancellationToken ct)
    {
        foreach (var kind in Kinds)
        {
            var streams = await log.Events.StreamsAsync(kind, ct);
            if (streams.FirstOrDefault(stream => stream == kind + id || stream == id) is { } found) return found;
        }

        throw new BadInputException($"The log knows no migration, interruption, job or machine {id}: ./trainmover migrations lists the migrations.");
    }
}
