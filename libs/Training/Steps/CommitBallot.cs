namespace TrainMover.Training;

/// <summary>
/// What one rank puts into the commit of a step: that its own reductions are complete, and, while a migration is ordered, the generation
/// that it is ready to switch to. Both ride on the collective that the global norm needs, so the vote to switch costs no round trip of its own.
/// </summary>
/// <param name="Ready">This rank holds the reduced gradients and can apply the step.</param>
/// <param name="Generation">Generation to switch to after this step, from 1; 0 while this rank has no order or is not ready.</param>
public readonly record struct CommitBallot(bool Ready, int Generation);

/// <summary>What the commit says, alike on every rank.</summary>
/// <param name="Passed">Every rank is ready: the step is to be applied.</param>
/// <param name="AgreedGeneration">Generation that every rank voted for: this boundary is the switch; 0 if there is none.</param>
/// <param name="Norm">Global norm of the averaged gradient.</param>
/// <param name="Loss">Mean loss of the step in nats per byte.</param>
public readonly record struct CommitVerdict(bool Passed, int AgreedGeneration, double Norm, float Loss);
