using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Jobs;

namespace TrainMover.Domain.Planning;

/// <summary>
/// Weighs every machine that holds no rank of the job as a joiner. Unexpected interruptions take a warm standby first, expected ones an elastic
/// machine, so that the standby stays free (paper, standby and elastic machines).
/// </summary>
public static class JoinerSelection
{
    /// <summary>Candidates best first; the first <paramref name="wanted"/> with a score of 0 or more are chosen.</summary>
    public static IReadOnlyList<Candidate> Rank(Job job, IEnumerable<Machine> machines, InterruptionKind kind, IReadOnlySet<string> interrupted, int wanted)
    {
        var weighed = machines
            .Where(machine => machine.Status != MachineStatus.Unknown && !job.HasMember(machine.MachineId))
            .Select(machine => Weigh(job, machine, kind, interrupted))
            .OrderByDescending(candidate => candidate.Score)
            .ThenBy(candidate => candidate.MachineId, StringComparer.Ordinal)
            .ToList();
        return [.. weighed.Select((candidate, index) => candidate with { Chosen = index < wanted && candidate.Score >= 0 })];
    }

    private static Candidate Weigh(Job job, Machine machine, InterruptionKind kind, IReadOnlySet<string> interrupted)
    {
        if (interrupted.Contains(machine.MachineId)) return No("it is interrupted itself");
        if (machine.Status == MachineStatus.Reserved) return No($"it is reserved by {machine.MigrationId}");
        if (machine.Status == MachineStatus.Assigned) return No($"it holds a rank of {machine.JobId}");
        if (machine.Status == MachineStatus.Quarantined) return No("it is quarantined");
        if (!machine.HasWorker) return No("its worker is gone, and the next one is not there yet");
        var expected = kind == InterruptionKind.Expected;
        return (machine.Role, job.Standbys.TryGetValue(machine.MachineId, out var trust) ? trust : null as StandbyTrust?) switch
        {
            (_, StandbyTrust.Rejected) => No("its shadow iteration on this job was not good"),
            (MachineRole.Standby, StandbyTrust.Ready) => expected
                ? Yes(50, "a warm standby, better kept for a failure without notice")
                : Yes(100, "a standby that is warm and proven on this job"),
            (MachineRole.Standby, _) => expected ? Yes(40, "a standby that is not warm yet") : Yes(70, "a standby that is not warm yet"),
            _ => expected ? Yes(100, "an elastic machine; there is time to warm it up") : Yes(60, "not pre-warmed; the fallback when no standby is left"),
        };

        Candidate Yes(double score, string why) => new(machine.MachineId, score, false, why);
        Candidate No(string why) => new(machine.MachineId, -1, false, why);
    }
}
