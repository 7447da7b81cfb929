namespace TrainMover.Telemetry.Policy;

/// <summary>What a policy says about one error code of one device.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Code">The code.</param>
/// <param name="Device">The device, where one is known.</param>
/// <param name="Tier">What follows.</param>
/// <param name="RuleTier">What would follow had it happened once.</param>
/// <param name="Occurrences">How often it happened in the window, bursts counted as one.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
/// <param name="PolicyVersion">The policy under which it was judged.</param>
/// <param name="Evidence">The observations, in the order of their times.</param>
public sealed record Verdict(
    string MachineId, string Code, string? Device, PolicyTier Tier, PolicyTier RuleTier, int Occurrences, string Reason, string PolicyVersion, IReadOnlyList<ObservedFault> Evidence);
