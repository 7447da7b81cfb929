namespace TrainMover.Collectives;

/// <summary>A machine that takes over all ranks of another.</summary>
/// <param name="Leaver">Machine that gives its ranks away.</param>
/// <param name="Joiner">Machine that takes them; the leaver's own name when it comes back at another address.</param>
/// <param name="Host">Address of the joiner.</param>
/// <param name="Port">TCP port of the joiner's listener.</param>
public sealed record MachineReplacement(string Leaver, string Joiner, string Host, int Port);
