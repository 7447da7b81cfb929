using System.Globalization;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Running;

/// <summary>
/// A rank whose process runs and that never arrives where its peers wait for it: a kernel that does not end, a deadlock. All other ranks say that they wait in a collective; the one machine from which a rank says
/// nothing is the one they wait for. Where two machines say nothing, or none, nobody is named; nor is one whose agent is silent, as it may only not be heard.
/// </summary>
/// <param name="settings">When it counts.</param>
internal sealed class StuckRanks(JobWatchSettings settings)
{
    private const int Baseline = 32;
    private const double MillisecondsPerSecond = 1000;
    private readonly HashSet<int> _waiting = [];
    private readonly Recent<double> _steps = new(Baseline);
    private readonly Dictionary<string, TimeSpan> _heard = new(StringComparer.Ordinal);
    private string? _raised;
    private TimeSpan? _moved;
    private TimeSpan _waits;

    /// <summary>The job completed a further step. Returns that whoever was named moves again.</summary>
    public Finding? Moved(long step, double milliseconds, TimeSpan now)
    {
        _waiting.Clear();
        // What a stuck rank held up says nothing of the usual step.
        if (_raised is null) _steps.Add(milliseconds / MillisecondsPerSecond);
        _moved = now;
        if (_raised is not { } machine) return null;
        _raised = null;
        return new Finding(HangWatch.Name, FindingKind.Recovered, machine, step, $"The job moves again: {machine} arrived.", new FindingEvidence([], [], settings.Version), AsksForMigration: false);
    }

    /// <summary>Other members, or others in their places: what was said before is over.</summary>
    public void Forget()
    {
        _waiting.Clear();
        (_raised, _moved) = (null, null);
    }

    /// <summary>The agent of a machine says that its worker runs.</summary>
    public void Heard(string machine, TimeSpan now) => _heard[machine] = now;

    /// <summary>A rank waits in a collective of a step after the last one that the job completed.</summary>
    public void Waits(int rank, TimeSpan now)
    {
        _waiting.Add(rank);
        _waits = now;
    }

    public Finding? Look(JobMembers members, long step, TimeSpan now)
    {
        if (_raised is not null || _waiting.Count == 0 || _steps.Count == 0 || _moved is not { } moved) return null;
        var usual = Robust.Median(_steps.Values);
        var silent = now - moved;
        if (silent < settings.StuckFor || silent.TotalSeconds < settings.StuckSteps * usual) return null;
        var absent = members.Seats.Where(seat => !_waiting.Contains(seat.Rank)).ToList();
        if (absent.Select(seat => seat.Machine).Distinct(StringComparer.Ordinal).ToList() is not [var machine]) return null;
        if (!_heard.TryGetValue(machine, out var heard) || heard <= _waits) return null;

        _raised = machine;
        var ranks = string.Join(", ", absent.Select(seat => seat.Rank.ToString(CultureInfo.InvariantCulture)));
        return new Finding(
            HangWatch.Name, FindingKind.Hang, machine, step,
            string.Create(CultureInfo.InvariantCulture, $"The job has completed no step for {silent.TotalSeconds:0.###} s (one usually takes {usual:0.###} s): all other ranks wait in a collective, rank {ranks} on {machine} has not arrived."),
            new FindingEvidence(
                [new EvidenceSample(step, "seconds since the last completed step", silent.TotalSeconds, usual), new EvidenceSample(step, "ranks that wait in a collective", _waiting.Count, members.Seats.Count)],
                [
                    string.Create(CultureInfo.InvariantCulture, $"A slow step: {settings.StuckSteps:0.#} usual steps have passed, from the median of the last {_steps.Count}, and {settings.StuckFor.TotalSeconds:0.###} s."),
                    $"Another member: every rank but those of {machine} said that it waits, so each has arrived where it can.",
                    string.Create(CultureInfo.InvariantCulture, $"A broken connection: a rank that waits for bytes says so, and {machine} does not, though its agent was heard {(now - heard).TotalSeconds:0.0} s ago."),
                    $"A dead, lost or stopped worker: none of these was found of {machine}, and each is sooner.",
                ],
                settings.Version),
            AsksForMigration: true);
    }
}
