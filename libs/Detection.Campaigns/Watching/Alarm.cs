using TrainMover.Contracts.Interruptions;

namespace TrainMover.Detection.Campaigns.Watching;

/// <summary>What the detectors told the log.</summary>
/// <param name="At">When, from the begin of the run.</param>
/// <param name="Raised">What was raised, or recorded.</param>
/// <param name="OnlyRecorded">It was recorded by a detector that only logs.</param>
public sealed record Alarm(TimeSpan At, InterruptionRaised Raised, bool OnlyRecorded);

/// <summary>What was seen of one run.</summary>
/// <param name="Alarms">What was raised or recorded, in order.</param>
/// <param name="Recoveries">When interruptions recovered, by their ids.</param>
/// <param name="SlowJobs">When the job as a whole was found slow, which people are told and the log is not.</param>
public sealed record Seen(IReadOnlyList<Alarm> Alarms, IReadOnlyList<(TimeSpan At, string InterruptionId)> Recoveries, IReadOnlyList<TimeSpan> SlowJobs);
