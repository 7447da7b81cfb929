using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Manifest;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>The heartbeats of one agent: four a second, now and then late, and one at once when the worker's process stops, goes on or ends.</summary>
internal sealed class AgentHeartbeats : MessageSource
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private readonly PlannedRun _run;
    private readonly string _machine;
    private readonly Dice _dice;
    private readonly List<TimeSpan> _changes = [];
    private readonly bool _hasWorker;
    private readonly (TimeSpan From, TimeSpan To) _debugged;
    private TimeSpan _next;

    public AgentHeartbeats(PlannedRun run, string machine, Dice dice)
        : base($"agent-{machine}")
    {
        (_run, _machine, _dice) = (run, machine, dice);
        _hasWorker = run.Members.Contains(machine, StringComparer.Ordinal);
        _next = dice.Between(TimeSpan.Zero, Interval);
        // A debugger looks in for a moment, which holds nobody up for long.
        if (_hasWorker && dice.Happens(0.02)) _debugged = (run.Duration / 2, (run.Duration / 2) + TimeSpan.FromMilliseconds(120));
        if (_debugged.To > TimeSpan.Zero) _changes.AddRange([_debugged.From, _debugged.To]);
        if (run.Fault is { Type: FaultType.StoppedWorker } stopped && stopped.Machines.Contains(machine)) _changes.AddRange([stopped.Onset, stopped.Onset + stopped.Length]);
        if (run.Fault is { Type: FaultType.WorkerDeath } died && died.Machines.Contains(machine)) _changes.Add(died.Onset);
        _changes.Sort();
    }

    protected override bool Produce()
    {
        if (_changes.Count > 0 && _changes[0] <= _next)
        {
            Tell(_changes[0] + (_dice.Part() * Look));
            if (IsDead(_changes[0]) && _hasWorker)
                Send(_changes[0] + (_dice.Part() * Look), new WorkerExited(_machine, Pid, Ordered: false, PlannedRun.Job, 1, "The worker was killed by signal 9.", Nanoseconds(_changes[0])), _dice);
            _changes.RemoveAt(0);
            return true;
        }

        if (_next >= _run.Duration) return false;
        Tell(_next);
        // Collections of garbage, busy processors.
        _next += Interval + (_dice.Happens(0.001) ? _dice.Between(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(400)) : TimeSpan.Zero);
        return true;
    }

    private void Tell(TimeSpan at)
    {
        var isSilent = _run.Fault is { Type: FaultType.AgentLoss or FaultType.MachineLoss or FaultType.SwitchLoss } fault && fault.Befalls(_machine, at);
        if (isSilent) return;
        var isStopped = (_run.Fault is { Type: FaultType.StoppedWorker } stopped && stopped.Befalls(_machine, at)) || (at >= _debugged.From && at < _debugged.To);
        Send(at, new Heartbeat(_machine, _hasWorker && !IsDead(at) ? Pid : null, Nanoseconds(at), isStopped ? true : null), _dice);
    }

    private bool IsDead(TimeSpan at) => _run.Fault is { Type: FaultType.WorkerDeath } fault && fault.Befalls(_machine, at);

    private static int Pid => 4711;

    private static long Nanoseconds(TimeSpan at) => (long)at.TotalNanoseconds;
}
