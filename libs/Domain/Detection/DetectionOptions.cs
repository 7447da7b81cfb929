namespace TrainMover.Domain.Detection;

/// <summary>Settings of the detectors of lost machines and agents.</summary>
public sealed record DetectionOptions
{
    /// <summary>How often agents send heartbeats. Default 250 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Silence of an agent after which its machine counts as lost, where peers cannot reach its worker either. Default 750 ms; at least three heartbeat intervals.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromMilliseconds(750);

    /// <summary>Silence after which an agent counts as lost while its worker trains on: nothing is urgent then. Default 2 s; at least the heartbeat timeout.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a worker that its peers do not hear may still turn out to be dead, or its machine lost, before it is raised as unreachable. Default 2 s;
    /// longer than the heartbeat timeout.
    /// </summary>
    public TimeSpan UnreachableGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        { HeartbeatInterval: var interval } when interval <= TimeSpan.Zero => $"HeartbeatInterval is {interval}; it is positive.",
        _ when HeartbeatTimeout < 3 * HeartbeatInterval => $"HeartbeatTimeout ({HeartbeatTimeout}) is at least three times HeartbeatInterval ({HeartbeatInterval}).",
        _ when AgentTimeout < HeartbeatTimeout => $"AgentTimeout ({AgentTimeout}) is at least HeartbeatTimeout ({HeartbeatTimeout}).",
        _ when UnreachableGrace <= HeartbeatTimeout => $"UnreachableGrace ({UnreachableGrace}) is longer than HeartbeatTimeout ({HeartbeatTimeout}).",
        _ => null,
    };
}
