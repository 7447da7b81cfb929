using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Stragglers;

namespace TrainMover.Detection.Running;

/// <summary>
/// Watches one running job: brings together what its ranks say of each step, and gives it to the detectors of slow workers, slow jobs, losses and hangs. It judges one generation at a time: steps of
/// another one are not heard, and while a migration is prepared (cores are shared then) nobody's pace is judged. A worker's own pace is remembered as long as it is a member. Time is
/// given by the caller; not safe for use by several threads at once.
/// </summary>
public sealed class JobWatch
{
    private readonly JobWatchSettings _settings;
    private readonly SortedDictionary<long, Dictionary<int, RankStep>> _unfinished = [];
    private readonly Dictionary<int, PeerSlowdown> _stages = [];
    private readonly JobSlowdown _job;
    private readonly LossWatch _loss;
    private readonly HangWatch _hang;
    private readonly StoppedWorkers _stopped;
    private readonly StuckRanks _stuck;
    private JobMembers? _members;
    private bool _isPaused;
    private int _settling;
    private long _latest = -1;
    private long _judged = -1;

    /// <summary>A watch that knows no members yet.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public JobWatch(JobWatchSettings? settings = null)
    {
        _settings = settings ?? new JobWatchSettings();
        _settings.Require();
        (_job, _loss, _hang) = (new JobSlowdown(_settings.Job), new LossWatch(_settings.Loss), new HangWatch(_settings.Hang));
        (_stopped, _stuck) = (new StoppedWorkers(_settings), new StuckRanks(_settings));
    }

    /// <summary>The generation that is judged; null before the first.</summary>
    public int? Generation => _members?.Generation;

    /// <summary>These are the members, and no migration is prepared. Nothing happens where both was known.</summary>
    public void Follow(JobMembers members)
    {
        ArgumentNullException.ThrowIfNull(members);
        if (_members?.Generation == members.Generation && !_isPaused) return;
        foreach (var (stage, peers) in _stages)
        {
            var workers = members.Seats.Where(seat => seat.Stage == stage).Select(seat => NameOf(members, seat)).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in peers.Scores.Keys.Where(worker => !workers.Contains(worker)).ToList()) peers.Forget(gone);
        }

        (_members, _isPaused) = (members, false);
        _stopped.Keep(members);
        _stuck.Forget();
        Settle();
    }

    /// <summary>A migration is prepared: until members are given again only what needs no comparison is found.</summary>
    public void Pause()
    {
        if (_isPaused) return;
        _isPaused = true;
        Settle();
    }

    /// <summary>A rank completed a step.</summary>
    /// <param name="step">What it says.</param>
    /// <param name="now">Time of the listener.</param>
    /// <returns>What this reveals; subjects are machines, or <c>job</c>.</returns>
    public IReadOnlyList<Finding> Observe(RankStep step, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (_members is not { } members || step.Generation != members.Generation || step.Rank < 0 || step.Rank >= members.Seats.Count) return [];
        var findings = new List<Finding>();
        if (step.Step > _latest)
        {
            _latest = step.Step;
            _stopped.Moved(now, step.Milliseconds);
            if (_stuck.Moved(step.Step, step.Milliseconds, now) is { } arrived) findings.Add(arrived);
            if (step.Step + 1 >= members.Steps)
            {
                _hang.Ended();
                _stuck.Forget();
            }
            else if (!_isPaused && _hang.Entered("step", step.Step + 1, now) is { } moves) findings.Add(moves);
        }

        if (_isPaused || step.Step <= _judged) return findings;
        if (!_unfinished.TryGetValue(step.Step, out var ranks)) _unfinished[step.Step] = ranks = [];
        ranks[step.Rank] = step;
        if (ranks.Count == members.Seats.Count) findings.AddRange(Judge(members, step.Step, ranks));
        while (_unfinished.Count > _settings.Unfinished) _unfinished.Remove(_unfinished.Keys.First());
        return findings;
    }

    /// <summary>A rank has been waiting in a collective for long.</summary>
    /// <param name="generation">Generation in which it trains.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="step">The step that it is in.</param>
    /// <param name="now">Time of the listener.</param>
    public void Observe(int generation, int rank, long step, TimeSpan now)
    {
        if (_members is { } members && generation == members.Generation && rank >= 0 && rank < members.Seats.Count && step > _latest) _stuck.Waits(rank, now);
    }

    /// <summary>Whether the worker process of a machine is stopped; of no interest where it is no member.</summary>
    public Finding? Observe(string machine, bool isStopped, TimeSpan now)
    {
        if (_members?.Has(machine) != true) return null;
        if (!isStopped) _stuck.Heard(machine, now);
        return _stopped.Observe(machine, isStopped, _latest, now);
    }

    /// <summary>Looks at the clock. All that was said up to <paramref name="now"/> has been given before.</summary>
    public IReadOnlyList<Finding> Look(TimeSpan now)
    {
        if (_members is not { } members) return [];
        var stopped = _stopped.Look(members, _latest, now);
        if (stopped.Count > 0) return stopped;
        return (_stuck.Look(members, _latest, now) ?? (_isPaused ? null : _hang.Look(now))) is { } hang ? [hang] : [];
    }

    private List<Finding> Judge(JobMembers members, long step, Dictionary<int, RankStep> ranks)
    {
        _judged = step;
        foreach (var earlier in _unfinished.Keys.TakeWhile(known => known <= step).ToList()) _unfinished.Remove(earlier);
        var findings = new List<Finding>();
        // Whoever is not in the last stage learns the loss from it: all say the same.
        Add(_loss.Observe(step, ranks.Values.First().Loss));
        if (_settling > 0)
        {
            _settling--;
            return findings;
        }

        var took = ranks.Values.Max(rank => rank.Milliseconds);
        Add(_job.Observe(step, Math.Max(took, double.Epsilon)));
        foreach (var stage in members.Seats.GroupBy(seat => seat.Stage))
        {
            var times = stage.Where(seat => ranks[seat.Rank].ComputeMilliseconds > 0)
                .ToDictionary(seat => NameOf(members, seat), seat => ranks[seat.Rank].ComputeMilliseconds!.Value, StringComparer.Ordinal);
            if (!_stages.TryGetValue(stage.Key, out var peers)) _stages[stage.Key] = peers = new PeerSlowdown(_settings.Peers);
            var cores = stage.Where(seat => ranks[seat.Rank].Cores is { Count: > 0 }).ToDictionary(seat => NameOf(members, seat), seat => ranks[seat.Rank].Cores!, StringComparer.Ordinal);
            foreach (var finding in peers.Observe(step, times, TimeSpan.FromMilliseconds(took), cores))
                findings.Add(finding with { Subject = stage.First(seat => NameOf(members, seat) == finding.Subject).Machine });
        }

        return findings;

        void Add(Finding? finding)
        {
            if (finding is not null) findings.Add(finding);
        }
    }

    private void Settle()
    {
        _settling = _settings.Settle;
        _unfinished.Clear();
        // Whoever was told of a hang is told of its end.
        if (!_hang.IsHung) _hang.Ended();
        foreach (var peers in _stages.Values) peers.Calm();
    }

    private static string NameOf(JobMembers members, RankSeat seat) =>
        members.Seats.Count(other => other.Machine == seat.Machine) == 1 ? seat.Machine : $"{seat.Machine} rank {seat.Rank}";
}
