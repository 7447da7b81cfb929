using System.Text.Json;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>An event as the command line writes it in JSON.</summary>
internal sealed record EventRecord(
    long Sequence, Guid Id, string Type, string Stream, long Version, DateTimeOffset Time, string Actor, string? CorrelationId, string? CausationId, JsonElement Data)
{
    public static EventRecord Of(LoggedEvent logged) => new(
        logged.Sequence, logged.Id, logged.Type, logged.Stream, logged.Version, logged.RecordedAt, logged.Actor, logged.CorrelationId, logged.CausationId, logged.Json);
}
