namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>A message as it reaches the Detector.</summary>
/// <param name="At">When, from the begin of the run.</param>
/// <param name="Source">CloudEvents source.</param>
/// <param name="Id">CloudEvents id.</param>
/// <param name="Body">The message.</param>
public sealed record Message(TimeSpan At, string Source, string Id, object Body);
