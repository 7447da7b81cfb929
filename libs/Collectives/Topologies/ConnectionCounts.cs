namespace TrainMover.Collectives;

/// <summary>Data connections by what a switch does to them. A participant counts each connection that it is an end of.</summary>
/// <param name="Kept">Connections between machines whose socket lives on.</param>
/// <param name="Inherited">Connections inside a machine that live on.</param>
/// <param name="Removed">Connections closed.</param>
/// <param name="Added">Connections opened.</param>
public sealed record ConnectionCounts(int Kept, int Inherited, int Removed, int Added);
