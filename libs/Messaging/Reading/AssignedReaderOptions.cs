namespace TrainMover.Messaging;

/// <summary>Where a reader begins in partitions that exist when it connects for the first time.</summary>
public enum StartAt
{
    /// <summary>With the first message that is there.</summary>
    Beginning,

    /// <summary>With the first message that comes after it connected.</summary>
    End,
}

/// <summary>Settings of an <see cref="AssignedReader"/>.</summary>
public sealed record AssignedReaderOptions
{
    /// <summary>Topics, without prefix.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>Only messages with this key; others are passed over unread. Default null: all.</summary>
    public string? Key { get; init; }

    /// <summary>Where to begin. Partitions and topics that appear later, and an emptied cluster, are read from their beginning. Default <see cref="StartAt.End"/>.</summary>
    public StartAt StartAt { get; init; } = StartAt.End;

    /// <summary>Messages per batch at most. Default 500.</summary>
    public int MaxBatch { get; init; } = 500;

    /// <summary>How often new partitions, topics and another cluster are looked for. Default 2 s.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Called, between two batches, when the broker answers again after it was away. Default none.</summary>
    public Action? Reconnected { get; init; }

    /// <summary>Called for each message that cannot be read; the reader goes on. Default: it is logged.</summary>
    public Action<Origin, Reading.Unreadable>? Unreadable { get; init; }
}
