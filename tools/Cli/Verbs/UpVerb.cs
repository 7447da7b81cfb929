using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

internal static class UpVerb
{
    public static Command Create()
    {
        var machines = new Option<int>("--machines") { Description = "Training machines.", DefaultValueFactory = _ => 3 };
        var standbys = new Option<int>("--standbys") { Description = "General standbys.", DefaultValueFactory = _ => 1 };
        var elastic = new Option<int>("--elastic") { Description = "Elastic machines.", DefaultValueFactory = _ => 1 };
        var schema = new Option<string?>("--schema") { Description = "Schema of the event log; a fresh one unless given." };
        var port = new Option<int?>("--postgres-port") { Description = "Port of the private PostgreSQL; a free one unless given." };
        var kafkaPort = new Option<int?>("--kafka-port") { Description = "Port of the embedded broker; a free one unless given." };
        var command = new Command("up", "Starts broker, PostgreSQL, Detector, Planner, Executor and machines, and leaves them running.");
        foreach (var option in (Option[])[machines, standbys, elastic, schema, port, kafkaPort]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            var (training, spare, extra) = (parsed.GetValue(machines), parsed.GetValue(standbys), parsed.GetValue(elastic));
            if (training is < 1 or > 32 || spare is < 0 or > 16 || extra is < 0 or > 16)
                throw new BadInputException("--machines goes from 1 to 32, --standbys and --elastic from 0 to 16.");
            var options = new DeploymentOptions
            {
                Root = access.Root,
                Directory = access.Directory,
                Configuration = Repository.Configuration,
                Schema = Schemas.Check(parsed.GetValue(schema)) ?? Schemas.Fresh("up", TimeProvider.System),
                TopicPrefix = Access.Variable("TRAINMOVER_TOPIC_PREFIX") ?? "trainmover.",
                Machines = MachineSetup.Fleet(training, spare, extra),
                Kafka = Access.Variable(Access.KafkaVariable),
                Postgres = Access.Variable(Access.PostgresVariable),
                PostgresPort = parsed.GetValue(port),
                KafkaPort = parsed.GetValue(kafkaPort),
                Detached = true,
            };
            await using var deployment = await Deployment.StartAsync(options, output.Progress, ct);
            var environment = deployment.Environment;
            if (output.IsJson)
            {
                output.Json(environment);
                return 0;
            }

            output.Line($"Running: {string.Join(", ", environment.Machines.Select(machine => $"{machine.Id} ({machine.Role})"))}.");
            output.Line($"Kafka       {environment.Kafka} (topics {environment.TopicPrefix}*)");
            output.Line($"PostgreSQL  {environment.Postgres} (schema {environment.Schema})");
            output.Line("Next: ./trainmover submit docs/job.yaml, ./trainmover status, ./trainmover down.");
            return 0;
        });
        return command;
    }
}
