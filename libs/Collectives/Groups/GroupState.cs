namespace TrainMover.Collectives;

/// <summary>Life of a communication group: the paper's normal, ready-to-switchout, normal; and its two ends.</summary>
public enum GroupState
{
    /// <summary>Calls are answered.</summary>
    Normal,

    /// <summary>Calls are answered, and a prepared group waits for the switch.</summary>
    ReadyToSwitchOut,

    /// <summary>Every call throws <see cref="CollectiveException"/>. Bootstrap connections to survivors live on, for the next generation.</summary>
    Failed,

    /// <summary>Disposed, replaced by the next generation, or left behind by it.</summary>
    Closed,
}
