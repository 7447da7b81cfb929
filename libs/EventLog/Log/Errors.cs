namespace TrainMover.EventLog;

/// <summary>Another append came first: load the stream again and decide again.</summary>
/// <param name="stream">Stream key.</param>
/// <param name="expected">Version the decision was made at.</param>
/// <param name="actual">Version the stream is at, where it is known.</param>
/// <param name="inner">What the database said, when the race was lost there.</param>
public sealed class StreamConflictException(string stream, long? expected, long? actual, Exception? inner = null)
    : Exception($"Stream '{stream}' was expected at version {expected?.ToString() ?? "any"} and is at {actual?.ToString() ?? "another"}: load it again and decide again.", inner)
{
    /// <summary>Stream key.</summary>
    public string Stream { get; } = stream;

    /// <summary>Version the decision was made at.</summary>
    public long? Expected { get; } = expected;

    /// <summary>Version the stream is at, where it is known.</summary>
    public long? Actual { get; } = actual;
}

/// <summary>The database of the log does not answer. Nothing is lost; the call may be repeated.</summary>
/// <param name="endpoint">Host and port that were tried.</param>
/// <param name="inner">What went wrong.</param>
public sealed class EventLogUnavailableException(string endpoint, Exception inner)
    : Exception($"PostgreSQL at {endpoint} does not answer ({inner.Message.TrimEnd('.')}): start it with './trainmover up', or set TRAINMOVER_POSTGRES to a database that runs.", inner)
{
    /// <summary>Host and port that were tried.</summary>
    public string Endpoint { get; } = endpoint;
}

/// <summary>The log holds an event of a known type whose body does not fit that type.</summary>
/// <param name="stream">Stream key.</param>
/// <param name="version">Version in the stream.</param>
/// <param name="type">Versioned type name.</param>
/// <param name="inner">What does not fit.</param>
public sealed class EventUnreadableException(string stream, long version, string type, Exception inner)
    : Exception($"Event {version} of stream '{stream}' does not read as {type} ({inner.Message}): './trainmover verify' says whether it was altered.", inner)
{
    /// <summary>Stream key.</summary>
    public string Stream { get; } = stream;

    /// <summary>Version in the stream.</summary>
    public long Version { get; } = version;
}
