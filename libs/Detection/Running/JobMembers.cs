namespace TrainMover.Detection.Running;

/// <summary>Who trains a job in one generation.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Steps">Steps that the job trains in all: after the last one nothing is awaited.</param>
/// <param name="Seats">Every rank, ascending.</param>
public sealed record JobMembers(int Generation, long Steps, IReadOnlyList<RankSeat> Seats)
{
    private readonly HashSet<string> _machines = Seats.Select(seat => seat.Machine).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether a machine has a rank.</summary>
    public bool Has(string machine) => _machines.Contains(machine);
}

/// <summary>A rank and where it is.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Machine">Its machine.</param>
/// <param name="Stage">Its pipeline stage: ranks of one stage do the same work.</param>
public sealed record RankSeat(int Rank, string Machine, int Stage);

/// <summary>What a rank says of a step that it completed.</summary>
/// <param name="Generation">Generation in which it was committed.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Loss, averaged over the job.</param>
/// <param name="Milliseconds">Length of the step.</param>
/// <param name="ComputeMilliseconds">Processor time that the rank spent on its own computation; null where it does not say.</param>
/// <param name="Cores">How it divides among processor cores; null where the rank does not say.</param>
public sealed record RankStep(int Generation, int Rank, long Step, double Loss, double Milliseconds, double? ComputeMilliseconds, IReadOnlyDictionary<string, double>? Cores = null);
