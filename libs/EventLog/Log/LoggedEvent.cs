using System.Text.Json;

namespace TrainMover.EventLog;

/// <summary>An event as the log holds it.</summary>
/// <param name="Id">Identity of the event, unique over all streams (version 7).</param>
/// <param name="Sequence">Place in the whole log, from 1; gaps are appends that were rolled back.</param>
/// <param name="Stream">Key of its stream.</param>
/// <param name="Version">Place in its stream, from 1, without gaps.</param>
/// <param name="Type">Versioned type name, for example <c>trainmover.migration.planned.v1</c>.</param>
/// <param name="RecordedAt">When it was recorded, in whole microseconds; never decreases within a stream.</param>
/// <param name="Actor">Process or person that decided it.</param>
/// <param name="CorrelationId">The story it belongs to.</param>
/// <param name="CausationId">The event or message that caused it.</param>
/// <param name="Data">The event; a <see cref="JsonElement"/> when this build does not know its type.</param>
/// <param name="Json">The event's body as JSON.</param>
/// <param name="Hash">SHA-256 (hexadecimal) over the stream's previous hash, the body and all of the above but the sequence; null when it carries none.</param>
public sealed record LoggedEvent(
    Guid Id, long Sequence, string Stream, long Version, string Type, DateTimeOffset RecordedAt, string Actor,
    string? CorrelationId, string? CausationId, object Data, JsonElement Json, string? Hash)
{
    /// <summary>Whether this build knows the type of the event.</summary>
    public bool IsKnown => Data is not JsonElement;
}
