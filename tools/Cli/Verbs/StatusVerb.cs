using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;
using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain;
using TrainMover.Domain.Jobs;
using TrainMover.Embedded;
using TrainMover.Messaging;

namespace TrainMover.Cli.Verbs;

internal static class StatusVerb
{
    private static readonly TimeSpan Listen = TimeSpan.FromMilliseconds(1500);

    public static Command Create()
    {
        var command = new Command("status", "Shows machines, jobs, migrations and the health of the services.");
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            await using var log = await OpenLog.OpenAsync(access, ct);
            var world = await log.WorldAsync(ct);
            var (services, blind) = await ServicesAsync(access, ct);
            var telemetry = await ListenAsync(access, ct);
            var status = new Status(Machines(world, telemetry), Jobs(world, telemetry), services, blind, telemetry is not null);
            if (output.IsJson) output.Json(status);
            else Show(output, status);
            return services.Any(service => !service.Healthy) ? 1 : 0;
        });
        return command;
    }

    private static List<MachineLine> Machines(World world, Telemetry? telemetry) =>
    [
        .. world.Machines.Select(machine => new MachineLine(
            machine.MachineId,
            EventText.Wire(machine.Role),
            EventText.Wire(machine.Status),
            machine.JobId,
            [.. world.Jobs.Where(job => job.Status == JobStatus.Running).SelectMany(job => job.Topology!.RanksOf(machine.MachineId))],
            telemetry?.Workers.GetValueOrDefault(machine.MachineId))),
    ];

    private static List<JobLine> Jobs(World world, Telemetry? telemetry) =>
    [
        .. world.Jobs.Select(job =>
        {
            var last = telemetry?.Steps.GetValueOrDefault(job.Spec!.JobId);
            var open = job.OpenMigration is { } id ? world.Migration(id) : null;
            var migration = open?.Plan is null ? job.OpenMigration : $"{open.Plan.MigrationId} ({EventText.Wire(open.Phase!.Value)})";
            var done = job.Status == JobStatus.Completed ? job.Spec!.Steps : last?.Step + 1;
            return new JobLine(job.Spec!.JobId, EventText.Wire(job.Status), done, job.Spec.Steps, last?.Loss, last?.Ms, job.Topology?.Generation, migration);
        }),
    ];

    private static async Task<(List<ServiceLine> Services, List<BlindLine> Blind)> ServicesAsync(Access access, CancellationToken ct)
    {
        if (access.Deployed is not { } deployed) return ([], []);
        using var probe = new HealthProbe(deployed.RunDirectory);
        var (lines, blind) = (new List<ServiceLine>(), new List<BlindLine>());
        foreach (var process in deployed.Processes)
        {
            var alive = process.Process.IsAlive();
            if (process.Name == Deployment.Broker)
            {
                lines.Add(new ServiceLine(process.Name, process.Process.Pid, alive, alive ? "runs" : "has ended"));
                continue;
            }

            var health = alive ? await probe.AskAsync(process.Name, ct) : null;
            lines.Add(new ServiceLine(process.Name, process.Process.Pid, health?.Healthy == true, alive ? health?.Status ?? "does not answer" : "has ended"));
            if (health is not null) blind.AddRange(Blind(health.Checks));
        }

        return (lines, blind);
    }

    private static IEnumerable<BlindLine> Blind(JsonElement checks) =>
        checks.ValueKind == JsonValueKind.Object && checks.TryGetProperty("sources", out var sources) && sources.TryGetProperty("data", out var blind) && blind.ValueKind == JsonValueKind.Object
            ? blind.EnumerateObject().Select(source => new BlindLine(source.Name, source.Value.ToString()))
            : [];

    private static async Task<Telemetry?> ListenAsync(Access access, CancellationToken ct)
    {
        if (access.Kafka is null) return null;
        await using var bus = Bus.Open(access);
        if (!await bus.AnswersAsync(ct)) return null;
        using var window = CancellationTokenSource.CreateLinkedTokenSource(ct);
        window.CancelAfter(Listen);
        var telemetry = new Telemetry([], []);
        try
        {
            await foreach (var message in bus.ReadAsync([Topics.Telemetry], StartAt.End, window.Token))
            {
                if (message.Envelope.Data is StepCompleted step) telemetry.Steps[step.JobId] = step;
                if (message.Envelope.Data is Heartbeat heartbeat) telemetry.Workers[heartbeat.MachineId] = heartbeat.WorkerPid;
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The window is over.
        }

        return telemetry;
    }

    private static void Show(Output output, Status status)
    {
        var machines = Output.Table("machine", "role", "state", "job", "rank", "worker");
        foreach (var machine in status.Machines)
            machines.Row(machine.Id, machine.Role, machine.State, machine.Job ?? "", string.Join(", ", machine.Ranks), machine.WorkerPid?.ToString() ?? "");
        output.Console.Write(machines);

        var jobs = Output.Table("job", "state", "step", "loss", "ms per step", "generation", "migration");
        foreach (var job in status.Jobs)
            jobs.Row(job.Id, job.State, $"{job.Step?.ToString() ?? "-"} of {job.Steps}", job.Loss?.ToString("0.000") ?? "-", job.StepMs?.ToString("0") ?? "-", job.Generation?.ToString() ?? "-", job.Migration ?? "");
        output.Console.Write(jobs);

        var services = Output.Table("service", "pid", "health");
        foreach (var service in status.Services)
            services.AddRow(new Text(service.Name), new Text($"{service.Pid}"), new Text(service.Health, new Style(service.Healthy ? Color.Green : Color.Red)));
        output.Console.Write(services);
        foreach (var source in status.Blind) output.Line($"Blind: {source.Source}. {source.Reason} Its silence says nothing of the machine.");
        if (!status.KafkaAnswers) output.Line("Kafka does not answer: steps and worker processes are not known.");
    }

    private sealed record Telemetry(Dictionary<string, StepCompleted> Steps, Dictionary<string, int?> Workers);

    private sealed record Status(IReadOnlyList<MachineLine> Machines, IReadOnlyList<JobLine> Jobs, IReadOnlyList<ServiceLine> Services, IReadOnlyList<BlindLine> Blind, bool KafkaAnswers);

    private sealed record MachineLine(string Id, string Role, string State, string? Job, IReadOnlyList<int> Ranks, int? WorkerPid);

    private sealed record JobLine(string Id, string State, long? Step, int Steps, float? Loss, double? StepMs, int? Generation, string? Migration);

    private sealed record BlindLine(string Source, string Reason);

    private sealed record ServiceLine(string Name, int Pid, bool Healthy, string Health);
}
