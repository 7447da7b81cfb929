using TrainMover.Detection.Campaigns.Fleet;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Detection.Campaigns.Scoring;
using TrainMover.Detection.Campaigns.Watching;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Campaigns;

/// <summary>Result of a campaign.</summary>
/// <param name="Seed">Seed of its manifest.</param>
/// <param name="Types">A score per type.</param>
/// <param name="HealthyRuns">Runs in which nothing was injected.</param>
/// <param name="HealthyMachineDays">Machine-days of those.</param>
/// <param name="HealthyAlarms">What was raised in those.</param>
/// <param name="FalseAlarms">False alarms in all runs, those that are only recorded as well.</param>
/// <param name="SlowJobsFound">Of the runs in which the whole job becomes slow, those in which people are told.</param>
public sealed record CampaignResult(
    ulong Seed, IReadOnlyList<TypeScore> Types, int HealthyRuns, double HealthyMachineDays, IReadOnlyList<FalseAlarm> HealthyAlarms, IReadOnlyList<FalseAlarm> FalseAlarms, int SlowJobsFound);

/// <summary>An alarm that nothing explains.</summary>
/// <param name="Run">Number of the run.</param>
/// <param name="During">What was injected there; null for nothing.</param>
/// <param name="At">When, from the begin of the run.</param>
/// <param name="Cause">Its cause.</param>
/// <param name="Reason">Its reason.</param>
/// <param name="OnlyRecorded">It was recorded by a detector that only logs: nobody acts on it.</param>
public sealed record FalseAlarm(int Run, PlannedFault? During, TimeSpan At, Contracts.Interruptions.InterruptionCause Cause, string Reason, bool OnlyRecorded);

/// <summary>
/// Faults that are injected into simulated fleets from a seeded manifest, found by the detectors of the running Detector, and compared with the truth afterwards. Everything follows from the seed.
/// </summary>
public static class Campaign
{
    /// <summary>Seed unless somebody gives another.</summary>
    public const ulong DefaultSeed = 20_260_101;

    /// <summary>Runs per type of fault unless somebody says otherwise.</summary>
    public const int DefaultRuns = 20;

    /// <summary>Healthy runs.</summary>
    public const int HealthyRuns = 8;

    /// <summary>Name of the class of machines that a model of metrics is trained for.</summary>
    public const string MachineClass = "campaign";

    /// <summary>Times the threshold at which the normal data itself raises no alarm: what an operator sets who wants to be left alone.</summary>
    public const double LearnedScale = 1.25;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    /// <summary>Length of a healthy run.</summary>
    public static TimeSpan HealthyLength { get; } = TimeSpan.FromHours(2);

    /// <summary>Runs a campaign.</summary>
    /// <param name="manifest">What is injected.</param>
    /// <param name="model">Model of what is normal for the machines (see <see cref="SimulatedFleet.Normal"/>); without it metric anomalies are not found.</param>
    public static CampaignResult Run(CampaignManifest manifest, VersionedModel? model)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        // Each run has dice and detectors of its own: in which order they are played changes nothing.
        var scores = manifest.Runs.AsParallel().AsOrdered().Select(run => RunScore.Of(run, Watch(run, model))).ToList();
        var types = FaultKind.All.Select(kind => Score(kind, scores)).Where(type => type.Runs > 0).ToList();
        var healthy = scores.Where(score => score.Run.Fault is null).ToList();
        return new CampaignResult(
            manifest.Seed, types, healthy.Count, healthy.Sum(MachineDays), [.. healthy.SelectMany(Told).Where(alarm => !alarm.OnlyRecorded)], [.. scores.SelectMany(Told)],
            scores.Count(score => score.Run.Fault is { Type: FaultType.SlowJob } fault && score.SlowJobs.Any(at => at >= fault.Onset)));
    }

    /// <summary>Plays one run to the detectors.</summary>
    public static Seen Watch(PlannedRun run, VersionedModel? model)
    {
        ArgumentNullException.ThrowIfNull(run);
        var watched = new WatchedFleet(run with { Fault = null }, model);
        var look = Look;
        foreach (var message in SimulatedFleet.Messages(run))
        {
            // While the broker is away messages wait in it, and nobody can tell silence from that.
            var at = run.Outage.Covers(message.At) ? run.Outage.To : message.At;
            if (at >= run.Duration) break;
            LookUntil(at);
            watched.Take(message with { At = at });
        }

        LookUntil(run.Duration);
        return watched.Seen;

        void LookUntil(TimeSpan until)
        {
            for (; look <= until; look += Look) watched.Tick(look, hears: !run.Outage.Covers(look));
        }
    }

    private static TypeScore Score(FaultKind kind, List<RunScore> scores)
    {
        var own = scores.Where(score => score.Run.Fault?.Type == kind.Type).ToList();
        var found = own.Where(score => score.Found is not null).ToList();
        var falseAlarms = kind.IsFault ? scores.Sum(score => score.FalseAlarms.Count(alarm => TypeOf(score, alarm) == kind.Type)) : own.Sum(score => score.FalseAlarms.Count(alarm => !alarm.OnlyRecorded));
        return new TypeScore(
            kind, own.Count, found.Count, falseAlarms, (kind.IsFault ? scores : own).Sum(MachineDays), [.. found.Select(score => score.Delay!.Value).Order()],
            kind.IsFault ? [.. own.Where(score => score.Found is null).Select(score => score.Run.Number)] : []);
    }

    // Several types share a cause: a false alarm counts against the one in whose run it came, else against the first.
    private static FaultType? TypeOf(RunScore score, Alarm alarm)
    {
        var of = FaultKind.All.Where(kind => kind.Cause == alarm.Raised.Cause).ToList();
        return (of.Find(kind => kind.Type == score.Run.Fault?.Type) ?? of.FirstOrDefault())?.Type;
    }

    private static double MachineDays(RunScore score) => score.Run.Machines.Count * score.Run.Duration.TotalDays;

    private static IEnumerable<FalseAlarm> Told(RunScore score) => score.FalseAlarms.Select(alarm => new FalseAlarm(score.Run.Number, score.Run.Fault, alarm.At, alarm.Raised.Cause, alarm.Raised.Reason, alarm.OnlyRecorded));
}
