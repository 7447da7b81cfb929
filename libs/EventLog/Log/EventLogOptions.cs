using System.Text.Json;
using System.Text.RegularExpressions;

namespace TrainMover.EventLog;

/// <summary>What a service tells the event log of itself.</summary>
public sealed partial class EventLogOptions
{
    /// <summary>PostgreSQL schema of the log; lower-case letters, digits and underscores. Default <c>trainmover</c>.</summary>
    public string Schema { get; set; } = "trainmover";

    /// <summary>Versioned type names and the CLR types this build reads them as.</summary>
    public IReadOnlyDictionary<string, Type> Events { get; set; } = new Dictionary<string, Type>(StringComparer.Ordinal);

    /// <summary>How bodies are written. Default: camelCase, enums as strings.</summary>
    public JsonSerializerOptions Json { get; set; } = DefaultJson();

    /// <summary>Deadline of a single statement, whole seconds. Default 10 s, at least 1 s.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Deadline of connecting, whole seconds. Default 5 s, at least 1 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What this service publishes; null when it publishes nothing.</summary>
    public PublicationOptions? Publication { get; set; }

    /// <summary>Set where this process writes, or checks, anchors.</summary>
    public AnchorOptions? Anchors { get; set; }

    /// <summary>Publishes the events of the given types under a name that no other service uses.</summary>
    /// <param name="name">Name of the subscription; one process leads it at a time.</param>
    /// <param name="types">Versioned type names this service owns.</param>
    public EventLogOptions Publish(string name, IEnumerable<string> types)
    {
        Publication = new PublicationOptions { Name = name, Types = types.ToHashSet(StringComparer.Ordinal) };
        return this;
    }

    /// <summary>Anchors the log, also in a file outside the database.</summary>
    /// <param name="file">Append-only file; null for the database alone, which then cannot show a complete forgery.</param>
    /// <param name="write">Whether this process writes anchors; false to check only.</param>
    public EventLogOptions Anchor(string? file, bool write = true)
    {
        Anchors = new AnchorOptions { File = file, Write = write };
        return this;
    }

    /// <summary>Throws when the options contradict themselves.</summary>
    /// <exception cref="InvalidOperationException">Names the broken rule.</exception>
    public void Validate()
    {
        if (!SchemaName().IsMatch(Schema))
            throw new InvalidOperationException($"EventLog: schema '{Schema}' must begin with a letter and hold at most 48 lower-case letters, digits and underscores.");
        if (CommandTimeout < TimeSpan.FromSeconds(1) || ConnectTimeout < TimeSpan.FromSeconds(1))
            throw new InvalidOperationException("EventLog: CommandTimeout and ConnectTimeout must be at least one second.");
        if (Events.GroupBy(pair => pair.Value).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidOperationException($"EventLog: {twice.Key.Name} is registered under more than one name.");
        Publication?.Validate();
        Anchors?.Validate();
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,47}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SchemaName();

    private static JsonSerializerOptions DefaultJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        json.Converters.Add(new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return json;
    }
}

/// <summary>What a service publishes from the log.</summary>
public sealed class PublicationOptions
{
    /// <summary>Name of the subscription; its position is stored under it and one process leads it at a time.</summary>
    public required string Name { get; init; }

    /// <summary>Versioned type names this service owns.</summary>
    public required IReadOnlySet<string> Types { get; init; }

    /// <summary>Events handed over between two stores of the position: what may be published again after a crash. Default 64.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>First wait after a failure; doubles up to <see cref="LongestBackOff"/>. Default 50 ms.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait between two attempts. Default 5 s.</summary>
    public TimeSpan LongestBackOff { get; init; } = TimeSpan.FromSeconds(5);

    internal void Validate()
    {
        if (Name.Length == 0 || BatchSize < 1)
            throw new InvalidOperationException("EventLog: a publication needs a name and a batch size of at least 1.");
        if (FirstBackOff <= TimeSpan.Zero || FirstBackOff > LongestBackOff)
            throw new InvalidOperationException("EventLog: 0 < FirstBackOff <= LongestBackOff must hold.");
    }
}

/// <summary>How the log is anchored.</summary>
public sealed class AnchorOptions
{
    /// <summary>Append-only file (JSON lines) outside the database; null for none.</summary>
    public string? File { get; init; }

    /// <summary>Whether this process writes anchors (one process does at a time, whoever holds the lock).</summary>
    public bool Write { get; init; } = true;

    /// <summary>Shortest time between two anchors: the usual length of the unanchored tail. Default 1 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most events of one anchor. Default 256.</summary>
    public int BatchSize { get; init; } = 256;

    internal void Validate()
    {
        if (Interval < TimeSpan.Zero || BatchSize < 1)
            throw new InvalidOperationException("EventLog: anchors need an interval of zero or more and a batch size of at least 1.");
    }
}
