using System.Runtime.InteropServices;
using TrainMover.Worker;
using TrainMover.Worker.Offline;
using TrainMover.Worker.Rehearsals;

if (await OfflineMode.TryRunAsync(args) is { } exitCode) return exitCode;

WorkerOptions options;
try
{
    options = WorkerOptions.Parse(args);
}
catch (FormatException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);

try
{
    TorchRuntime.Load();
}
catch (PlatformNotSupportedException unfit)
{
    await Console.Error.WriteLineAsync(unfit.Message);
    return 1;
}

// Who finds the socket open finds a warm worker.
if (options.IsRehearsed) await Rehearsal.RunAsync();
await using var outbox = new ReportOutbox();
using var fault = InjectedFault.Of(options);
await using var worker = new WorkerTarget(options, outbox, fault);
_ = ProcessorShare.ClaimAsync(worker.Ranked);
await using var listener = new AgentListener(options.Socket, worker, outbox);
await Task.WhenAny(ended.Task, worker.Released);
return 0;

void End(PosixSignalContext context)
{
    context.Cancel = true;
    ended.TrySetResult();
}
