using TrainMover.Embedded;

namespace TrainMover.Cli.CommandLine;

/// <summary>What a verb works on: the deployment of this folder, or the one that the environment variables point to.</summary>
internal sealed record Access(string Root, string Directory, DeploymentEnvironment? Deployed, string? Kafka, string? Postgres, string Schema, string TopicPrefix)
{
    public const string KafkaVariable = "TRAINMOVER_KAFKA";
    public const string PostgresVariable = "TRAINMOVER_POSTGRES";

    public static Access Current()
    {
        var root = Repository.FindRoot();
        var directory = Variable("TRAINMOVER_HOME") ?? Path.Combine(root, ".trainmover");
        var deployed = DeploymentEnvironment.Load(directory);
        return new Access(
            root,
            directory,
            deployed,
            Variable(KafkaVariable) ?? deployed?.Kafka,
            Variable(PostgresVariable) ?? deployed?.Postgres,
            Variable("TRAINMOVER_SCHEMA") ?? deployed?.Schema ?? "trainmover",
            Variable("TRAINMOVER_TOPIC_PREFIX") ?? deployed?.TopicPrefix ?? "trainmover.");
    }

    /// <summary>The same folder, with a deployment that was just started in it.</summary>
    public Access With(DeploymentEnvironment deployed) =>
        this with { Deployed = deployed, Kafka = deployed.Kafka, Postgres = deployed.Postgres, Schema = deployed.Schema, TopicPrefix = deployed.TopicPrefix };

    public string Anchors => Variable("TRAINMOVER_ANCHORS") ?? Deployed?.Anchors ?? Path.Combine(Directory, "anchors.jsonl");

    public string RequireKafka() =>
        Kafka ?? throw new BadInputException($"No deployment was started here: start one with ./trainmover up, or set {KafkaVariable} to bootstrap servers.");

    public string RequirePostgres() =>
        Postgres ?? throw new BadInputException($"No deployment was started here: start one with ./trainmover up, or set {PostgresVariable} to a connection string.");

    public DeploymentEnvironment RequireRunning() => Deployed is { } deployed && deployed.IsRunning()
        ? deployed
        : throw new BadInputException("No deployment runs here: start one with ./trainmover up.");

    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
