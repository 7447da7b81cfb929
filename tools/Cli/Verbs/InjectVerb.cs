using System.CommandLine;
using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

internal static class InjectVerb
{
    private static readonly string[] Kinds = ["maintenance", "manual", "fault", "kill"];

    public static Command Create()
    {
        var machine = new Option<string>("--machine", "-m") { Description = "The machine.", Required = true };
        var kind = new Option<string>("--kind", "-k") { Description = "maintenance: a notice; manual: an operator's request; fault: an error code; kill: SIGKILL for its worker.", Required = true };
        kind.AcceptOnlyFromAmong(Kinds);
        var code = new Option<string>("--code") { Description = "Error code, for --kind fault.", DefaultValueFactory = _ => "xid-79" };
        var reason = new Option<string?>("--reason") { Description = "Why, in a few words." };
        var command = new Command("inject", "Interrupts a machine of the running deployment.");
        foreach (var option in (Option[])[machine, kind, code, reason]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            var (id, what, why) = (parsed.GetRequiredValue(machine), parsed.GetRequiredValue(kind), parsed.GetValue(reason));
            await RequireMachineAsync(access, id, ct);
            var stamp = Stopwatch.GetTimestamp();
            if (what == "kill")
            {
                var worker = WorkerProcesses.Find(access.RequireRunning().RunDirectory).FirstOrDefault(worker => worker.Machine == id).Process
                    ?? throw new BadInputException($"{id} has no worker process now: ./trainmover status shows who has.");
                stamp = Stopwatch.GetTimestamp();
                worker.Kill();
                Tell(output, id, what, stamp, $"SIGKILL for worker {worker.Pid} of {id}.");
                return 0;
            }

            object body = what switch
            {
                "maintenance" => new MaintenanceScheduled(id, why ?? "maintenance", MonotonicNs: stamp),
                "manual" => new ReplacementRequested(id, why ?? "requested by hand", Environment.UserName, stamp),
                _ => new FaultReported(id, parsed.GetRequiredValue(code), why, stamp),
            };
            await using var bus = Bus.Open(access);
            await bus.PublishTelemetryAsync(id, body, ct);
            Tell(output, id, what, stamp, $"Published {EventTypeOf(body)} for {id}: ./trainmover events --follow shows what follows.");
            return 0;
        });
        return command;
    }

    private static string EventTypeOf(object body) => Contracts.Catalog.Of(body.GetType()).Name;

    private static void Tell(Output output, string machine, string kind, long monotonicNs, string line)
    {
        if (output.IsJson) output.Json(new { machine, kind, monotonicNs });
        else output.Line(line);
    }

    private static async Task RequireMachineAsync(Access access, string id, CancellationToken ct)
    {
        IReadOnlyList<string> known;
        if (access.Deployed is { } deployed)
        {
            known = [.. deployed.Machines.Select(machine => machine.Id)];
        }
        else
        {
            await using var log = await OpenLog.OpenAsync(access, ct);
            known = [.. (await log.WorldAsync(ct)).Machines.Select(machine => machine.MachineId)];
        }

        if (!known.Contains(id)) throw new BadInputException($"There is no machine {id}: choose one of {string.Join(", ", known)}.");
    }
}
