using System.CommandLine;
using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

internal static class InjectVerb
{
    private static readonly string[] Kinds = ["maintenance", "manual", "fault", "kill", "stop", "continue", "slow", "stuck"];

    public static Command Create()
    {
        var machine = new Option<string>("--machine", "-m") { Description = "The machine.", Required = true };
        var kind = new Option<string>("--kind", "-k") { Description = "maintenance: a notice; manual: an operator's request; fault: an error code; kill, stop, continue: SIGKILL, SIGSTOP, SIGCONT for its worker; slow: its worker wastes time in every operation; stuck: its worker runs and does not come out of the next one.", Required = true };
        kind.AcceptOnlyFromAmong(Kinds);
        var code = new Option<string>("--code") { Description = "Error code, for --kind fault.", DefaultValueFactory = _ => "xid-79" };
        var share = new Option<double>("--share") { Description = "Time that each operation wastes in addition, as a part of its own, for --kind slow; 0 ends it.", DefaultValueFactory = _ => 0.2 };
        var reason = new Option<string?>("--reason") { Description = "Why, in a few words." };
        var command = new Command("inject", "Interrupts a machine of the running deployment.");
        foreach (var option in (Option[])[machine, kind, code, share, reason]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            var (id, what, why) = (parsed.GetRequiredValue(machine), parsed.GetRequiredValue(kind), parsed.GetValue(reason));
            await RequireMachineAsync(access, id, ct);
            if (what is "kill" or "stop" or "continue" or "slow" or "stuck")
            {
                Strike(output, access.RequireRunning().RunDirectory, id, what, parsed.GetValue(share));
                return 0;
            }

            var stamp = Stopwatch.GetTimestamp();
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

    private static void Strike(Output output, string runDirectory, string id, string what, double share)
    {
        var worker = WorkerProcesses.Find(runDirectory).FirstOrDefault(worker => worker.Machine == id).Process
            ?? throw new BadInputException($"{id} has no worker process now: ./trainmover status shows who has.");
        var stamp = Stopwatch.GetTimestamp();
        switch (what)
        {
            case "kill":
                worker.Kill();
                Tell(output, id, what, stamp, $"SIGKILL for worker {worker.Pid} of {id}.");
                break;
            case "stop":
                worker.Stop();
                Tell(output, id, what, stamp, $"SIGSTOP for worker {worker.Pid} of {id}: --kind continue lets it go on.");
                break;
            case "continue":
                worker.Continue();
                Tell(output, id, what, stamp, $"SIGCONT for worker {worker.Pid} of {id}.");
                break;
            case "stuck":
                RequireInjection(worker, id);
                FaultyWorker.Set(runDirectory, id, double.PositiveInfinity);
                Tell(output, id, what, stamp, $"Worker {worker.Pid} of {id} does not come out of its next operation; --kind slow --share 0 ends it.");
                break;
            default:
                if (!(share is >= 0 and <= FaultyWorker.MostShare)) throw new BadInputException($"--share is a part of the time of each operation, from 0 (which ends it) to {FaultyWorker.MostShare:0}.");
                RequireInjection(worker, id);
                FaultyWorker.Set(runDirectory, id, share == 0 ? null : share);
                Tell(output, id, what, stamp, share == 0 ? $"Worker {worker.Pid} of {id} is as fast as it can be." : $"Worker {worker.Pid} of {id} wastes {share:P0} of its time in every operation; --share 0 ends it.");
                break;
        }
    }

    private static void RequireInjection(ProcessIdentity worker, string id)
    {
        if (!FaultyWorker.Follows(worker)) throw new BadInputException($"The worker of {id} follows no injection: start the deployment with {FaultyWorker.Switch}=1 ./trainmover up.");
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
