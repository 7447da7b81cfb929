namespace TrainMover.EventLog;

/// <summary>Events for one stream.</summary>
/// <param name="Stream">Stream key.</param>
/// <param name="ExpectedVersion">Version the decision was made at: 0 for a stream that must not exist yet, null to append at whatever version it is.</param>
/// <param name="Events">Events in order; each of a registered type.</param>
public sealed record StreamAppend(string Stream, long? ExpectedVersion, IReadOnlyList<object> Events);

/// <summary>Who appends, why, and what else belongs to the transaction.</summary>
/// <param name="Actor">Process or person that decided, for example <c>planner</c>.</param>
/// <param name="CorrelationId">The story the events belong to.</param>
/// <param name="CausationId">The event or message that caused them.</param>
/// <param name="Processed">The message whose effect this is: a second append for it does nothing.</param>
/// <param name="Position">How far the consumer has seen its topic with this message.</param>
public sealed record AppendContext(
    string Actor, string? CorrelationId = null, string? CausationId = null, ProcessedMessage? Processed = null, ConsumerPosition? Position = null);

/// <summary>A message and the consumer that has processed it: the key of deduplication.</summary>
/// <param name="Consumer">Name of the consumer; each consumer processes each message once.</param>
/// <param name="Source">CloudEvents <c>source</c>.</param>
/// <param name="Id">CloudEvents <c>id</c>.</param>
public sealed record ProcessedMessage(string Consumer, string Source, string Id);

/// <summary>How far a consumer has seen a topic.</summary>
/// <param name="Consumer">Name of the consumer.</param>
/// <param name="Topic">Topic without prefix.</param>
/// <param name="Sequence">Highest log sequence below which it has seen everything.</param>
public sealed record ConsumerPosition(string Consumer, string Topic, long Sequence);

/// <summary>What an append did.</summary>
/// <param name="Events">The events with their sequence numbers, in order of sequence; empty when nothing was appended.</param>
/// <param name="AlreadyProcessed">The message had taken effect before; nothing was appended.</param>
public sealed record AppendResult(IReadOnlyList<LoggedEvent> Events, bool AlreadyProcessed = false);
