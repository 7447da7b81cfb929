using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>A part of a migration with its place in time, in milliseconds from the fault or the notice.</summary>
internal sealed record StoryPhase(string Name, double StartMs, double Ms, bool Paused);

/// <summary>What the log tells of one migration: state, events, the interruptions it answers, and where the time went.</summary>
internal sealed class MigrationStory
{
    private MigrationStory(Migration state, List<LoggedEvent> events, List<LoggedEvent> interruptions, long? faultStamp)
    {
        (State, Events, Interruptions) = (state, events, interruptions);
        FaultStamp = faultStamp ?? state.FaultMonotonicNs;
        Clock = HostClock.Of([.. interruptions, .. events]);
        Origin = FaultStamp ?? Clock.At(interruptions.Concat(events).Min(logged => logged.RecordedAt));
    }

    public Migration State { get; }

    public MigrationPlan Plan => State.Plan!;

    public List<LoggedEvent> Events { get; }

    public List<LoggedEvent> Interruptions { get; }

    public bool IsUnexpected => State.Kind == InterruptionKind.Unexpected;

    /// <summary>From where the joiners' state came; until they say so, from where the plan expects it.</summary>
    public StateSource StateSource => State.Switched.Values.Select(report => report.StateSource).FirstOrDefault(source => source is not null) ?? Plan.StateSource;

    /// <summary>Monotonic time of the fault or notice; of whoever stamped it.</summary>
    public long? FaultStamp { get; }

    /// <summary>Monotonic time from which the phases count.</summary>
    public long Origin { get; }

    private HostClock Clock { get; }

    public MigrationCompleted? Completed => Events.Select(logged => logged.Data).OfType<MigrationCompleted>().FirstOrDefault();

    /// <summary>Monotonic time at which training stopped: the boundary on the first stayer, or the fault itself.</summary>
    public long? StoppedNs
    {
        get
        {
            if (State.Switched.Count == 0) return null;
            var stayers = State.Switched.Values.Where(report => !State.Joiners.Contains(report.MachineId)).ToList();
            var stopped = (stayers.Count > 0 ? stayers : [.. State.Switched.Values]).Min(report => report.StoppedMonotonicNs);
            return IsUnexpected && FaultStamp is { } fault ? Math.Min(stopped, fault) : stopped;
        }
    }

    /// <summary>Monotonic time at which the last member computed again.</summary>
    public long? ResumedNs => State.Switched.Count == 0 ? null : State.Switched.Values.Max(report => report.ResumedMonotonicNs);

    public double? PauseMs => StoppedNs is { } stopped && ResumedNs is { } resumed ? EventText.Ms(resumed - stopped) : Completed?.PauseMs;

    /// <summary>From the fault or notice until it was known to those who answered it: the log, or survivors who held the plan and did not wait for it; in milliseconds.</summary>
    public double? DetectionMs => (AheadMs is null ? RaisedNs : NoticedNs) is { } known ? EventText.Ms(known - Origin) : null;

    private long? NoticedNs => State.Switched.Values.Where(report => !State.Joiners.Contains(report.MachineId)).Select(report => (long?)report.StoppedMonotonicNs).Min();

    /// <summary>How long before it was planned survivors and standby went on with it, as they held the plan, in milliseconds; null where they waited for it.</summary>
    public double? AheadMs => IsUnexpected && State.Switched.Count > 0 && At<MigrationPlanned>(_ => true) - FirstPrepared is var ahead and > 0 ? EventText.Ms(ahead) : null;

    private long FirstPrepared => State.Switched.Values.SelectMany(report => report.Phases.Take(1)).Select(phase => phase.EndMonotonicNs).DefaultIfEmpty(long.MaxValue).Min();

    private long? RaisedNs => Interruptions.Where(logged => logged.Data is InterruptionRaised raised && (!IsUnexpected || raised.Kind == InterruptionKind.Unexpected))
        .Select(logged => (long?)Clock.At(logged.RecordedAt)).Min();

    /// <summary>Folds the events of a migration's stream; null when they do not begin with a plan.</summary>
    public static MigrationStory? Of(IReadOnlyList<LoggedEvent> stream, IReadOnlyList<LoggedEvent> all, long? faultStamp = null)
    {
        var state = stream.Aggregate(Migration.Initial, (current, logged) => current.Evolve(logged.Data));
        if (state.Plan is null) return null;
        var interruptions = all.Where(logged => logged.Data is InterruptionRaised raised && state.Interruptions.Contains(raised.InterruptionId)).ToList();
        return new MigrationStory(state, [.. stream], interruptions, faultStamp);
    }

    /// <summary>Monotonic time at which the first such event was recorded.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public long At<TEvent>(Func<TEvent, bool> which) => Clock.At(Events.First(logged => logged.Data is TEvent data && which(data)).RecordedAt);

    /// <summary>Where the time went, in order; the parts of the pause as the slowest member saw them.</summary>
    public IReadOnlyList<StoryPhase> Phases()
    {
        var phases = new List<StoryPhase>();
        var paused = StoppedNs;

        long? Moment<TEvent>() => Events.Where(logged => logged.Data is TEvent).Select(logged => (long?)Clock.At(logged.RecordedAt)).Min();

        void Add(string name, long? start, long? end)
        {
            if (start is not { } from || end is not { } to) return;
            phases.Add(new StoryPhase(name, EventText.Ms(from - Origin), EventText.Ms(Math.Max(0, to - from)), paused is { } stop && from >= stop));
        }

        var ordered = Moment<SwitchOrdered>();
        Add("detection", Origin, RaisedNs);
        Add("planning", RaisedNs, Moment<MigrationPlanned>());
        Add("preparation", Moment<MigrationPlanned>(), ordered);
        if (!IsUnexpected) Add("vote to switch", ordered, StoppedNs);
        foreach (var part in State.Switched.Values.SelectMany(report => report.Phases).GroupBy(part => part.Name).OrderBy(group => group.Min(part => part.StartMonotonicNs)))
        {
            var longest = part.MaxBy(phase => phase.EndMonotonicNs - phase.StartMonotonicNs)!;
            Add(part.Key, longest.StartMonotonicNs, longest.EndMonotonicNs);
        }

        Add("recorded as completed", ResumedNs, Moment<MigrationCompleted>());
        return phases;
    }
}
