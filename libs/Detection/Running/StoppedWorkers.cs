using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Running;

/// <summary>
/// Worker processes that are stopped. A synchronous job cannot complete a step without one of its members, so once it has not moved for a multiple of its usual step, it is this worker that it
/// waits for, and no time-out of the transport has to be waited for.
/// </summary>
/// <param name="settings">When it counts.</param>
internal sealed class StoppedWorkers(JobWatchSettings settings)
{
    private const int Baseline = 32;
    private const double MillisecondsPerSecond = 1000;
    private readonly Dictionary<string, TimeSpan> _since = new(StringComparer.Ordinal);
    private readonly HashSet<string> _raised = new(StringComparer.Ordinal);
    private readonly Recent<double> _steps = new(Baseline);
    private TimeSpan? _moved;

    /// <summary>The job completed a further step.</summary>
    public void Moved(TimeSpan now, double milliseconds)
    {
        // What a stopped worker held up says nothing of the usual step.
        if (_since.Count == 0) _steps.Add(milliseconds / MillisecondsPerSecond);
        _moved = now;
    }

    /// <summary>Forgets whoever is no member.</summary>
    public void Keep(JobMembers members)
    {
        foreach (var gone in _since.Keys.Where(machine => !members.Has(machine)).ToList())
        {
            _since.Remove(gone);
            _raised.Remove(gone);
        }
    }

    public Finding? Observe(string machine, bool isStopped, long step, TimeSpan now)
    {
        if (isStopped)
        {
            _since.TryAdd(machine, now);
            return null;
        }

        _since.Remove(machine);
        return _raised.Remove(machine)
            ? new Finding(HangWatch.Name, FindingKind.Recovered, machine, step, $"The worker of {machine} runs again.", new FindingEvidence([], [], settings.Version), AsksForMigration: false)
            : null;
    }

    public IReadOnlyList<Finding> Look(JobMembers members, long step, TimeSpan now)
    {
        if (_since.Count == 0 || _steps.Count == 0 || _moved is not { } moved) return [];
        var usual = Robust.Median(_steps.Values);
        var silent = (now - moved).TotalSeconds;
        if (silent < settings.StoppedSteps * usual) return [];
        return
        [
            .. _since.Where(entry => now - entry.Value >= settings.StoppedFor && !_raised.Contains(entry.Key))
                .Select(entry => entry.Key).Order(StringComparer.Ordinal).ToList().Select(machine => Raise(members, machine, step, silent, usual, now)),
        ];
    }

    private Finding Raise(JobMembers members, string machine, long step, double silent, double usual, TimeSpan now)
    {
        _raised.Add(machine);
        var stopped = (now - _since[machine]).TotalSeconds;
        var peers = members.Seats.Select(seat => seat.Machine).Where(peer => !_since.ContainsKey(peer)).Distinct(StringComparer.Ordinal);
        return new Finding(
            HangWatch.Name, FindingKind.Hang, machine, step,
            string.Create(CultureInfo.InvariantCulture, $"The worker process of {machine} has been stopped for {stopped:0.###} s, and the job has completed no step for {silent:0.###} s; one usually takes {usual:0.###} s."),
            new FindingEvidence(
                [new EvidenceSample(step, $"seconds for which the process on {machine} is stopped", stopped, 0), new EvidenceSample(step, "seconds since the last completed step", silent, usual)],
                [
                    string.Create(CultureInfo.InvariantCulture, $"A slow step: {settings.StoppedSteps:0.#} usual steps have passed, from the median of the last {_steps.Count}."),
                    $"A dead worker or a lost machine: the agent of {machine} is heard, and says that the process exists.",
                    $"Another member: the worker {(peers.Any() ? $"processes of {string.Join(", ", peers)} are" : "process of no other member is")} not stopped, and no step can be completed without {machine}.",
                ],
                settings.Version),
            AsksForMigration: true);
    }
}
