using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Manifest;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>
/// A synchronous job: a step takes as long as the slowest rank of each stage, and nobody completes one while a member is missing. Every rank says what it computed itself. Paces differ between
/// machines a little, from step to step a little more, and now and then one step is long.
/// </summary>
internal sealed class JobSteps : MessageSource
{
    private const int CheckpointEvery = 50;
    private const double StepSpread = 0.02;
    private const double RankSpread = 0.012;
    private const double LossSpread = 0.01;
    private const double Hiccups = 0.002;
    private const double SpikesThatHeal = 0.0005;
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Communication = TimeSpan.FromMilliseconds(40);
    private readonly PlannedRun _run;
    private readonly Dice _dice;
    private readonly IReadOnlyList<string> _members;
    private readonly double[] _biases;
    private TimeSpan _now;
    private long _step;
    private (long Since, double Height, double Fading) _spike = (long.MinValue, 0, 1);
    private long? _faultSince;

    public JobSteps(PlannedRun run, Dice dice)
        : base("steps")
    {
        (_run, _dice, _members) = (run, dice, run.Members);
        _biases = [.. _members.Select(_ => dice.Between(0.97, 1.03))];
    }

    protected override bool Produce()
    {
        if (_now >= _run.Duration) return false;
        var (begin, usual) = (_now, _run.Step.TotalSeconds);
        var together = _dice.Factor(StepSpread);
        var computed = _members.Select((machine, rank) => usual * together * _biases[rank] * _dice.Factor(RankSpread) * (_dice.Happens(Hiccups) ? _dice.Between(1.2, 2) : 1) * Slowness(machine, rank)).ToList();
        // Stages follow one another: the longest of each counts, in parts of a step.
        var stages = Enumerable.Range(0, _run.Stages).Average(stage => computed.Skip(stage * _run.Replicas).Take(_run.Replicas).Max());
        var end = begin + TimeSpan.FromSeconds(stages) + (Communication * _dice.Factor(0.2)) + (_step % CheckpointEvery == CheckpointEvery - 1 ? _dice.Between(1, 4) * _run.Step : TimeSpan.Zero);
        var stands = Stands(begin, computed, end);
        SayWaits(begin, computed, stands ?? end);
        if (stands is { } until)
        {
            if (until >= _run.Duration)
            {
                _now = _run.Duration;
                return true;
            }

            end += until - _run.Fault!.Onset;
        }

        _now = end;
        var loss = Loss(end);
        foreach (var (rank, machine) in _members.Index().OrderBy(_ => _dice.Bits()).ToList())
        {
            if (_run.Fault is { Type: FaultType.AgentLoss } silent && silent.Befalls(machine, end)) continue;
            Send(
                end + TimeSpan.FromMilliseconds(_dice.Between(0, 3)),
                new StepCompleted(machine, PlannedRun.Job, 1, rank, _step, loss, BitConverter.SingleToUInt32Bits(loss), (end - begin).TotalMilliseconds, (long)end.TotalNanoseconds, computed[rank] * 1000),
                _dice);
        }

        _step++;
        return true;
    }

    // Until when a step that would end at a time stands still. Whoever gets stuck does so while it computes: what it has arrived for before still ends.
    private TimeSpan? Stands(TimeSpan begin, IReadOnlyList<double> computed, TimeSpan end)
    {
        if (_run.Fault is not { } fault || !FaultKind.Of(fault.Type).StopsTraining || end <= fault.Onset || _now >= fault.Onset + fault.Length) return null;
        if (fault.Type is FaultType.StuckWorker && !_members.Zip(computed).Any(one => NeverArrives(one.First, begin + TimeSpan.FromSeconds(one.Second)))) return null;
        return fault.Onset + fault.Length;
    }

    // Whoever has computed its part waits for the others, and says so after a second; whoever never arrives says nothing.
    private void SayWaits(TimeSpan begin, IReadOnlyList<double> computed, TimeSpan end)
    {
        foreach (var (rank, since) in computed.Select((seconds, rank) => (rank, begin + TimeSpan.FromSeconds(seconds))).OrderBy(wait => wait.Item2))
        {
            if (since + LongWait < end && !NeverArrives(_members[rank], since))
                Send(since + LongWait, new RankWaiting(_members[rank], PlannedRun.Job, 1, rank, _step, (long)since.TotalNanoseconds), _dice);
        }
    }

    private bool NeverArrives(string machine, TimeSpan since) => _run.Fault is { Type: FaultType.AgentLoss or FaultType.WorkerDeath or FaultType.MachineLoss or FaultType.SwitchLoss or FaultType.StoppedWorker or FaultType.StuckWorker } fault && fault.Befalls(machine, since);

    private double Slowness(string machine, int rank) => _run.Fault switch
    {
        { Type: FaultType.SlowWorker or FaultType.ThermalThrottle or FaultType.ClockThrottle } fault when fault.Befalls(machine, _now) => fault.Strength,
        { Type: FaultType.SlowJob } fault when fault.IsAt(_now) => fault.Strength,
        { Type: FaultType.UnevenStages } fault when rank >= _run.Replicas => fault.Strength,
        { Type: FaultType.DataSkew } fault when fault.IsAt(_now) => _dice.Factor(fault.Strength),
        _ => 1,
    };

    private float Loss(TimeSpan now)
    {
        var course = 1.5 + (2.5 * Math.Exp(-_step / 4000.0));
        var noisy = course * _dice.Factor(LossSpread);
        if (_run.Fault is { Type: FaultType.LossNotANumber or FaultType.LossSpike or FaultType.HealingSpike } fault && fault.IsAt(now))
        {
            if (fault.Type == FaultType.LossNotANumber) return float.NaN;
            if (fault.Type == FaultType.LossSpike) return (float)(noisy * fault.Strength);
            if (_faultSince is null) _spike = (_step, fault.Strength - 1, _dice.Between(5, 35));
            _faultSince ??= _step;
        }
        else if (_dice.Happens(SpikesThatHeal) && _run.Fault?.Type is not (FaultType.LossSpike or FaultType.HealingSpike))
        {
            _spike = (_step, _dice.Between(0.3, 2), _dice.Between(2, 30));
        }

        return (float)(noisy * (_step >= _spike.Since && _spike.Since >= 0 ? 1 + (_spike.Height * Math.Exp(-(_step - _spike.Since) / _spike.Fading)) : 1));
    }
}
