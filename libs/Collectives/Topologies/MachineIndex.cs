namespace TrainMover.Collectives;

/// <summary>Which ranks a machine holds.</summary>
internal sealed class MachineIndex
{
    private readonly Dictionary<string, int[]> _ranks;

    public MachineIndex(Member[] members)
    {
        var ranks = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (!ranks.TryGetValue(member.Machine, out var held))
                ranks.Add(member.Machine, held = []);
            held.Add(member.Rank);
        }

        _ranks = new Dictionary<string, int[]>(ranks.Count, StringComparer.Ordinal);
        foreach (var (machine, held) in ranks)
            _ranks.Add(machine, [.. held]);
    }

    private MachineIndex(Dictionary<string, int[]> ranks) => _ranks = ranks;

    public IReadOnlyCollection<string> Machines => _ranks.Keys;

    /// <summary>Ranks of a machine, ascending; none when the topology does not have it.</summary>
    public int[] this[string machine] => _ranks.TryGetValue(machine, out var ranks) ? ranks : [];

    /// <summary>The index after whole machines were replaced.</summary>
    public MachineIndex Replacing(IReadOnlyCollection<MachineReplacement> replacements)
    {
        var ranks = new Dictionary<string, int[]>(_ranks, StringComparer.Ordinal);
        foreach (var leaver in replacements.Select(replacement => replacement.Leaver))
            ranks.Remove(leaver);
        foreach (var replacement in replacements)
        {
            if (!ranks.TryAdd(replacement.Joiner, this[replacement.Leaver]))
                throw new ArgumentException($"{replacement.Joiner} is in the topology already: it cannot join.", nameof(replacements));
        }

        return new MachineIndex(ranks);
    }
}
