namespace TrainMover.ServiceDefaults.Hosting;

/// <summary>Where a process of the system finds its surroundings; from environment variables.</summary>
/// <param name="Kafka">Bootstrap servers (<c>TRAINMOVER_KAFKA</c>).</param>
/// <param name="Postgres">Npgsql connection string (<c>TRAINMOVER_POSTGRES</c>); null for an agent, which has no database.</param>
/// <param name="Schema">PostgreSQL schema (<c>TRAINMOVER_SCHEMA</c>, default <c>trainmover</c>).</param>
/// <param name="TopicPrefix">Prefix of all topics (<c>TRAINMOVER_TOPIC_PREFIX</c>, default <c>trainmover.</c>).</param>
/// <param name="RunFolder">Folder of pid files, sockets and health URLs (<c>TRAINMOVER_RUN</c>, default <c>.trainmover/run</c>).</param>
/// <param name="AnchorFile">File of anchors outside the database (<c>TRAINMOVER_ANCHORS</c>, default <c>anchors.jsonl</c> beside the run folder).</param>
public sealed record DeploymentSettings(string Kafka, string? Postgres, string Schema, string TopicPrefix, string RunFolder, string AnchorFile)
{
    /// <summary>Reads the environment.</summary>
    /// <exception cref="InvalidOperationException">A variable is missing; the message names it.</exception>
    public static DeploymentSettings FromEnvironment(bool needsPostgres)
    {
        var run = Path.GetFullPath(Optional("TRAINMOVER_RUN") ?? Path.Combine(".trainmover", "run"));
        return new DeploymentSettings(
            Required("TRAINMOVER_KAFKA"),
            needsPostgres ? Required("TRAINMOVER_POSTGRES") : Optional("TRAINMOVER_POSTGRES"),
            Optional("TRAINMOVER_SCHEMA") ?? "trainmover",
            Optional("TRAINMOVER_TOPIC_PREFIX") ?? "trainmover.",
            run,
            Optional("TRAINMOVER_ANCHORS") ?? Path.Combine(run, "..", "anchors.jsonl"));
    }

    private static string Required(string variable) =>
        Optional(variable) ?? throw new InvalidOperationException($"{variable} is not set. './trainmover up' sets it for the services that it starts.");

    private static string? Optional(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}
