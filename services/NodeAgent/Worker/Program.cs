using System.Runtime.InteropServices;
using TrainMover.Worker;
using TrainMover.Worker.Offline;

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

await using var outbox = new ReportOutbox();
await using var worker = new WorkerTarget(options, outbox);
var loading = Task.Run(TorchRuntime.Load);
await using var listener = new AgentListener(options.Socket, worker, outbox);
try
{
    var first = await Task.WhenAny(ended.Task, worker.Released, Broken(loading));
    await first;
    return 0;
}
catch (PlatformNotSupportedException unfit)
{
    await Console.Error.WriteLineAsync(unfit.Message);
    return 1;
}

void End(PosixSignalContext context)
{
    context.Cancel = true;
    ended.TrySetResult();
}

// Completes only when libtorch is missing: a loaded one is no reason to end.
static async Task Broken(Task loading)
{
    await loading;
    await Task.Delay(Timeout.Infinite);
}
