namespace TrainMover.Contracts.Schema;

/// <summary>A participant of the message flow.</summary>
/// <param name="Name">Short name.</param>
/// <param name="Description">Its part in the flow.</param>
/// <param name="Sent">Versioned names, or beginnings of names that end in a dot.</param>
/// <param name="Receives">Topics that it reads.</param>
internal sealed record Participant(string Name, string Description, IReadOnlyList<string> Sent, IReadOnlyList<string> Receives)
{
    public bool Sends(CatalogEntry entry) =>
        Sent.Any(name => name == entry.Name || (name.EndsWith('.') && entry.Name.StartsWith(name, StringComparison.Ordinal)));
}

/// <summary>Who sends what, and who reads which topic.</summary>
internal static class Routes
{
    private const string DeadLetter = "trainmover.dead-letter.v1";

    public static IReadOnlyList<Participant> Participants { get; } =
    [
        new("telemetry-source", "Any Kafka client that knows of a fault or of a maintenance.",
            ["trainmover.telemetry.fault-reported.v1", "trainmover.telemetry.maintenance-scheduled.v1", "trainmover.telemetry.device-metrics.v1"], []),
        new("cli", "The command line: injects faults and notices, shows progress.",
            ["trainmover.telemetry.fault-reported.v1", "trainmover.telemetry.maintenance-scheduled.v1", "trainmover.telemetry.replacement-requested.v1"],
            [Topics.Telemetry]),
        new("detector", "Turns telemetry into interruptions.", ["trainmover.interruption.", "trainmover.detector.", DeadLetter], [Topics.Telemetry, Topics.Detectors, Topics.Migrations]),
        new("planner", "Owns jobs, fleet and reservations; answers interruptions with plans.",
            ["trainmover.job.", "trainmover.machine.", "trainmover.service.", "trainmover.migration.planned.v1", DeadLetter],
            [Topics.Interruptions, Topics.Progress, Topics.Migrations]),
        new("executor", "Carries plans out.",
            [
                "trainmover.command.v1", "trainmover.migration.preparation-started.v1", "trainmover.migration.participant-ready.v1",
                "trainmover.migration.switch-ordered.v1", "trainmover.migration.switch-agreed.v1", "trainmover.migration.participant-switched.v1",
                "trainmover.migration.completed.v1", "trainmover.migration.abort-ordered.v1", "trainmover.migration.aborted.v1",
                "trainmover.migration.escalated.v1", "trainmover.migration.superseded.v1",
                "trainmover.migration.order-refused.v1", DeadLetter,
            ],
            [Topics.Migrations, Topics.Progress]),
        new("agent", "One per machine: obeys orders, reports, sends heartbeats and steps.",
            [
                "trainmover.report.v1", "trainmover.telemetry.heartbeat.v1", "trainmover.telemetry.step-completed.v1", "trainmover.telemetry.worker-exited.v1",
                "trainmover.telemetry.peer-unreachable.v1", "trainmover.telemetry.rank-waiting.v1", "trainmover.telemetry.kernel-fault.v1", "trainmover.telemetry.device-metrics.v1",
                "trainmover.telemetry.source-sight.v1", DeadLetter,
            ],
            [Topics.Commands]),
        new("subscriber", "Whoever follows interruptions, migrations and the fleet, or looks after dead letters.", [],
            [Topics.Interruptions, Topics.Detectors, Topics.Migrations, Topics.Fleet, Topics.DeadLetter]),
    ];

    public static (string Key, string Meaning) Topic(string topic) => topic switch
    {
        Topics.Telemetry => ("machine id", "Heartbeats, step progress, faults and maintenance notices."),
        Topics.Interruptions => ("interruption id", "Interruptions raised, suppressed, resolved and recovered."),
        Topics.Detectors => ("detector", "Modes and settings of the detectors."),
        Topics.Migrations => ("job id", "Jobs and migrations, ordered per job."),
        Topics.Fleet => ("machine id; name of the service", "Registrations, assignments, reservations and quarantine of machines; starts of services."),
        Topics.Commands => ("machine id", "Orders to node agents. Partitioners differ between clients: an agent reads all partitions and keeps what is its own."),
        Topics.Progress => ("machine id", "What node agents report of orders and of their worker."),
        Topics.DeadLetter => ("key of the original message; its topic where it had none", "Messages that could not be read or handled, with the reason."),
        _ => throw new ArgumentOutOfRangeException(nameof(topic), topic, "The topic has no description."),
    };
}
