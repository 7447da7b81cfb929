using System.Diagnostics;
using System.Threading.Channels;
using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry;
using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Agent.Sources;

/// <summary>Follows the machine's kernel log and tells of the errors in it. A log that cannot be read leaves the source blind, and is tried again.</summary>
internal sealed class KernelLogSource(AgentOptions options, Outgoing outgoing, TimeProvider clock, ILogger<KernelLogSource> log) : BackgroundService
{
    private const string Name = "kernel-log";
    private const int FaultsAtOnce = 100;
    private const double FaultsPerSecond = 10;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);

    private readonly KernelLogDecoder _decoder = new(options.Machine);
    private readonly FloodGate _gate = new(FaultsAtOnce, FaultsPerSecond, clock);
    private readonly Sight _sight = new(blindAfter: 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.KernelLog is not { } path) return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await (path == KmsgDevice.Path ? ReadDeviceAsync(stoppingToken) : FollowAsync(path, stoppingToken));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Tell(_sight.Missed($"{path} cannot be read: {failure.Message}"));
                await Task.Delay(RetryInterval, clock, stoppingToken);
            }
        }
    }

    private async Task FollowAsync(string path, CancellationToken ct)
    {
        var follower = new LogFollower(path);
        var following = follower.FollowAsync(Take, ct);
        await Task.WhenAny(follower.Ready, following);
        if (follower.Ready.IsCompleted)
        {
            Tell(_sight.Saw());
            log.LogInformation("The kernel log {Path} is followed.", path);
        }

        await following;
    }

    // Reading the device blocks, and nothing but a record ends that: its thread is left alone when the agent ends.
    private async Task ReadDeviceAsync(CancellationToken ct)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                new KmsgDevice().Read(Take);
                ended.TrySetException(new IOException("The device ended."));
            }
            catch (Exception failure)
            {
                ended.TrySetException(failure);
            }
        })
        { IsBackground = true, Name = Name }.Start();
        log.LogInformation("The kernel's messages are read.");
        await ended.Task.WaitAsync(ct);
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        if (_decoder.Decode(line) is not { } record) return;
        if (!_gate.Pass())
        {
            if (_gate.HeldBack % 1000 == 1) log.LogWarning("The kernel log floods: {Count} errors were held back so far.", _gate.HeldBack);
            return;
        }

        outgoing.Tell(Message(record, clock.GetUtcNow(), Stopwatch.GetTimestamp()));
    }

    internal static KernelFaultSeen Message(KernelLogRecord record, DateTimeOffset at, long monotonicNs)
    {
        var fault = record.Fault;
        return new KernelFaultSeen(
            record.MachineId, fault.Code, fault.Text, at, fault.Device?.ToString(), fault.Subcode, fault.NvLink is { } link ? NvLinkAdvices.NameOf(link.Advice) : null, fault.SaysFatal,
            fault.Process?.Pid, fault.Process?.Name, fault.IsDetail, monotonicNs);
    }

    private void Tell(SightChange? change)
    {
        if (change is not null) outgoing.Tell(new SourceSight(options.Machine, Name, change.IsBlind, change.Reason));
    }
}
