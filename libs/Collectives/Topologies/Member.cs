namespace TrainMover.Collectives;

/// <summary>One rank of a topology and where its worker process listens.</summary>
/// <param name="Rank">Rank among all ranks of the job, from 0.</param>
/// <param name="Machine">Name of the machine, unique in the job.</param>
/// <param name="Host">IPv4 or IPv6 address, or a host name that resolves to one.</param>
/// <param name="Port">TCP port of the worker's only listener.</param>
public sealed record Member(int Rank, string Machine, string Host, int Port);
