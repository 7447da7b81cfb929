using System.Diagnostics;
using System.Text.Json;
using Confluent.Kafka;
using TrainMover.Contracts;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;
using TrainMover.Messaging;

namespace TrainMover.EndToEnd.Tests;

/// <summary>What a client in another language sees and may send; with kcat, as the README shows it.</summary>
public sealed class KcatTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_fault_from_kcat_leads_to_a_migration_and_kcat_sees_its_events_in_order()
    {
        if (!File.Exists("/usr/bin/kcat")) Assert.Skip("kcat is not installed (Debian: apt-get install kcat).");
        await using var cluster = await Cluster.StartAsync(postgres);
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await steps.ReachAsync(20);
        await KcatAsync(cluster, "telemetry", """
            {"specversion":"1.0","id":"fault-1","source":"/dc/rack-7","type":"trainmover.telemetry.fault-reported.v1","datacontenttype":"application/json","data":{"machineId":"m1","code":"xid-79","detail":"fallen off the bus"}}
            """);
        var completed = await cluster.CompletedAsync();
        await cluster.WaitForAsync<JobMigrationClosed>("the migration to be closed");

        var seen = await SubscribeAsync(cluster, "migrations", "trainmover.job.migration-closed.v1");
        var own = seen.Where(message => message.GetProperty("stream").GetString() == $"migration-{completed.MigrationId}").ToList();
        own.Select(message => message.GetProperty("streamversion").ToString()).ShouldBe(Enumerable.Range(1, own.Count).Select(version => $"{version}"));
        own[0].GetProperty("type").GetString().ShouldBe(Catalog.Of(typeof(MigrationPlanned)).Name);
        own[^1].GetProperty("type").GetString().ShouldBe(Catalog.Of(typeof(MigrationCompleted)).Name);
    }

    [Fact]
    public async Task The_foreign_detector_of_the_documentation_is_answered_as_it_stands_there()
    {
        if (!File.Exists("/usr/bin/kcat")) Assert.Skip("kcat is not installed (Debian: apt-get install kcat).");
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(2, 0, 0));
        await cluster.WaitForAsync<MachineRegistered>("m1 to be registered", registered => registered.MachineId == "m1");
        var text = await File.ReadAllTextAsync(Path.Combine(Embedded.Repository.FindRoot(), "docs", "telemetry.md"));
        var example = text.Split("```sh")[1].Split("```")[0].Replace("./trainmover events --follow", "", StringComparison.Ordinal);
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", example]) { UseShellExecute = false, Environment = { ["KAFKA"] = cluster.Kafka.BootstrapServers } })!;
        await shell.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        shell.ExitCode.ShouldBe(0);

        var (logged, raised) = await cluster.WaitForAsync<InterruptionRaised>("the interruption of the example");
        (raised.InterruptionId, raised.Detector, logged.Actor).ShouldBe(("m1-psu-2026-08-01", "rack-power-3", "detector"));
        raised.Evidence.ShouldHaveSingleItem().Source.ShouldBe("/dc/rack-7/power");
    }

    [Fact]
    public async Task What_cannot_be_read_lands_in_the_dead_letters_with_its_reason_and_nothing_else_happens()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(1, 0, 0));
        foreach (var machine in cluster.Deployment.Environment.Machines)
            await cluster.WaitForAsync<MachineRegistered>($"{machine.Id} to be registered", registered => registered.MachineId == machine.Id);
        var bodies = new Dictionary<DeadLetterReason, string>
        {
            [DeadLetterReason.NotJson] = "garbage",
            [DeadLetterReason.Truncated] = """{"specversion":"1.0","id":"x","source":"/a","type":"trainmover.tele""",
            [DeadLetterReason.UnknownType] = """{"specversion":"1.0","id":"x","source":"/a","type":"trainmover.telemetry.no-such-thing.v1","data":{}}""",
            [DeadLetterReason.UnsupportedVersion] = """{"specversion":"1.0","id":"x","source":"/a","type":"trainmover.telemetry.fault-reported.v9","data":{}}""",
            [DeadLetterReason.TooLarge] = new string('x', 2 * 1024 * 1024),
            [DeadLetterReason.Poison] = """{"specversion":"1.0","id":"y","source":"/a","type":"trainmover.telemetry.maintenance-scheduled.v1","data":{"machineId":"m9","reason":"nobody knows it"}}""",
        };
        using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = cluster.Kafka.BootstrapServers, MessageMaxBytes = 8 * 1024 * 1024 }).Build();
        foreach (var body in bodies.Values) await producer.ProduceAsync(cluster.Kafka.Topic(Topics.Telemetry), new Message<Null, string> { Value = body });

        var reasons = new List<DeadLetterReason>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var batch in new AssignedReader(cluster.Kafka, new AssignedReaderOptions { Topics = [Topics.DeadLetter], StartAt = StartAt.Beginning }).ReadAsync(limit.Token))
        {
            reasons.AddRange(batch.Select(message => ((DeadLettered)message.Envelope.Data).Reason));
            if (reasons.Count >= bodies.Count) break;
        }

        reasons.Order().ShouldBe(bodies.Keys.Order());
        var world = await cluster.WorldAsync();
        (world.Machines.Count(), world.Interruptions.Count(), world.Migrations.Count()).ShouldBe((cluster.Deployment.Environment.Machines.Count, 0, 0));
        (await cluster.Deployment.HealthAsync("detector"))!.Healthy.ShouldBeTrue();
    }

    private static async Task KcatAsync(Cluster cluster, string topic, string line)
    {
        using var kcat = Start("-b", cluster.Kafka.BootstrapServers, "-t", cluster.Kafka.Topic(topic), "-P");
        await kcat.StandardInput.WriteLineAsync(line.Trim());
        kcat.StandardInput.Close();
        await kcat.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        kcat.ExitCode.ShouldBe(0);
    }

    private static async Task<List<JsonElement>> SubscribeAsync(Cluster cluster, string topic, string lastType)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var kcat = Start("-b", cluster.Kafka.BootstrapServers, "-t", cluster.Kafka.Topic(topic), "-C", "-o", "beginning", "-u", "-q");
        var messages = new List<JsonElement>();
        try
        {
            while (await kcat.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                messages.Add(JsonDocument.Parse(line).RootElement.Clone());
                if (messages[^1].GetProperty("type").GetString() == lastType) return messages;
            }
        }
        finally
        {
            kcat.Kill();
        }

        throw new TimeoutException($"kcat ended before {lastType}; it printed {messages.Count} messages.");
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("/usr/bin/kcat", arguments)
    {
        UseShellExecute = false,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;
}
