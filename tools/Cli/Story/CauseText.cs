using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>Names the cause of an event: the event that caused it where the log holds it, else the message.</summary>
internal sealed class CauseText(IEnumerable<LoggedEvent> all)
{
    private readonly Dictionary<string, LoggedEvent> _byId = all.ToDictionary(logged => logged.Id.ToString(), StringComparer.OrdinalIgnoreCase);

    public string Of(LoggedEvent logged)
    {
        if (logged.CausationId is not { } cause) return "";
        return _byId.TryGetValue(cause, out var found) ? $"{EventText.ShortType(found.Type)} #{found.Sequence}" : $"message {cause[..Math.Min(13, cause.Length)]}";
    }
}
