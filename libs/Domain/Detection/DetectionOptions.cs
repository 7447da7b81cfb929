namespace TrainMover.Domain.Detection;

/// <summary>Settings of the detectors of lost machines and agents.</summary>
public sealed record DetectionOptions
{
    /// <summary>How often agents send heartbeats. Default 250 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Silence after which an agent counts as lost. Default 1.5 s; at least three heartbeat intervals.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromMilliseconds(1500);

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
        _ when UnreachableGrace <= HeartbeatTimeout => $"UnreachableGrace ({UnreachableGrace}) is longer than HeartbeatTimeout ({HeartbeatTimeout}).",
        _ => null,
    };
}
