namespace TrainMover.Detection.Campaigns.Manifest;

/// <summary>A fault that is injected: the truth, which the detectors do not see.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Machines">Machines that it befalls, sorted; all of the job where it befalls the job.</param>
/// <param name="Onset">When it begins, from the begin of the run.</param>
/// <param name="Length">How long it lasts; at least until the run ends where it does not heal.</param>
/// <param name="Strength">How strong it is: a factor for what becomes slower or larger, a rate for errors; 0 where it is there or not.</param>
/// <param name="Variant">Which of several ways it shows; from 0.</param>
public sealed record PlannedFault(FaultType Type, IReadOnlyList<string> Machines, TimeSpan Onset, TimeSpan Length, double Strength, int Variant)
{
    /// <summary>Whether it is under way.</summary>
    public bool IsAt(TimeSpan now) => now >= Onset && now < Onset + Length;

    /// <summary>Whether it befalls a machine at a time.</summary>
    public bool Befalls(string machine, TimeSpan now) => IsAt(now) && Machines.Contains(machine, StringComparer.Ordinal);
}

/// <summary>A time in which the broker is away: what is said then is heard at its end.</summary>
/// <param name="From">Its begin, from the begin of the run.</param>
/// <param name="To">Its end.</param>
public readonly record struct Outage(TimeSpan From, TimeSpan To)
{
    /// <summary>Whether it is under way.</summary>
    public bool Covers(TimeSpan now) => now >= From && now < To;
}

/// <summary>One job on a fleet of its own, for some minutes, with at most one fault.</summary>
/// <param name="Number">Number in the campaign, from 0.</param>
/// <param name="Seed">Seed of everything that is random in it.</param>
/// <param name="Replicas">Data-parallel degree; at least 4, as a worker's pace needs peers.</param>
/// <param name="Stages">Pipeline-parallel degree.</param>
/// <param name="Standbys">Machines without a rank.</param>
/// <param name="Step">Usual length of a step.</param>
/// <param name="Duration">How long it is watched.</param>
/// <param name="Fault">What befalls it; null for a healthy run.</param>
/// <param name="Outage">When the broker is away; never by default.</param>
public sealed record PlannedRun(int Number, ulong Seed, int Replicas, int Stages, int Standbys, TimeSpan Step, TimeSpan Duration, PlannedFault? Fault, Outage Outage = default)
{
    private const int BehindOneSwitch = 4;

    /// <summary>Name of the job.</summary>
    public const string Job = "job";

    /// <summary>Machines with a rank, ordered by rank: one rank each.</summary>
    public IReadOnlyList<string> Members => [.. Enumerable.Range(0, Replicas * Stages).Select(NameOf)];

    /// <summary>All machines.</summary>
    public IReadOnlyList<string> Machines => [.. Members, .. Enumerable.Range(0, Standbys).Select(standby => $"s{standby}")];

    /// <summary>Name of the machine with a rank.</summary>
    public static string NameOf(int rank) => $"m{rank:00}";

    /// <summary>The switch behind which the machine with a rank is.</summary>
    public static string SwitchOf(int rank) => $"leaf{rank / BehindOneSwitch}";

    /// <summary>Members behind the switch of a rank, sorted.</summary>
    public IReadOnlyList<string> Behind(int rank) => [.. Enumerable.Range(0, Replicas * Stages).Where(other => SwitchOf(other) == SwitchOf(rank)).Select(NameOf).Order(StringComparer.Ordinal)];
}
