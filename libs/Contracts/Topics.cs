namespace TrainMover.Contracts;

/// <summary>Topic names without the prefix of a deployment (<c>trainmover.</c> by default), and what keys them.</summary>
public static class Topics
{
    /// <summary>Heartbeats, step progress, faults and maintenance notices; key: machine id.</summary>
    public const string Telemetry = "telemetry";

    /// <summary>Interruptions raised, suppressed, resolved and recovered; key: interruption id.</summary>
    public const string Interruptions = "interruptions";

    /// <summary>Modes and settings of the detectors; key: detector.</summary>
    public const string Detectors = "detectors";

    /// <summary>Jobs and migrations, ordered per job; key: job id.</summary>
    public const string Migrations = "migrations";

    /// <summary>The fleet: registrations, reservations, quarantine, starts of services; key: machine id or name of the service.</summary>
    public const string Fleet = "fleet";

    /// <summary>Orders to node agents; key: machine id.</summary>
    public const string Commands = "commands";

    /// <summary>What node agents report of orders and of their worker; key: machine id.</summary>
    public const string Progress = "progress";

    /// <summary>Messages that could not be read, with the reason; key: the original key.</summary>
    public const string DeadLetter = "dead-letter";

    /// <summary>Prefix of all topics unless a deployment sets another.</summary>
    public const string DefaultPrefix = "trainmover.";

    /// <summary>Every topic, for creation and for the AsyncAPI document.</summary>
    public static IReadOnlyList<string> All { get; } = [Telemetry, Interruptions, Detectors, Migrations, Fleet, Commands, Progress, DeadLetter];
}
