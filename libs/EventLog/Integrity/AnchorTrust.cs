namespace TrainMover.EventLog;

/// <summary>
/// Which anchors can be believed: the file's line where it is consistent and its successor confirms it, else the database's row. Every disagreement is a finding.
/// </summary>
internal sealed class AnchorTrust
{
    private readonly List<Anchor> _trusted = [];
    private readonly Dictionary<long, AnchorLeaf> _bySequence = [];
    private readonly Dictionary<Guid, AnchorLeaf> _byId = [];

    private AnchorTrust()
    {
    }

    /// <summary>The first disagreement between anchors.</summary>
    public Finding? Finding { get; private set; }

    /// <summary>Leaves of the believed anchors, in order of sequence.</summary>
    public IReadOnlyList<AnchorLeaf> Leaves { get; private set; } = [];

    /// <summary>Last sequence number that any anchor speaks of.</summary>
    public long AnchoredTo { get; private set; }

    /// <param name="rows">Anchors of the database, in order.</param>
    /// <param name="before">Lines read before the rows: each must have its row. Null without a file.</param>
    /// <param name="after">Lines read after the rows: each row that was carried outside must have its line.</param>
    public static AnchorTrust Of(IReadOnlyList<(Anchor Anchor, bool Outside)> rows, IReadOnlyList<Anchor?>? before, IReadOnlyList<Anchor?>? after)
    {
        var trust = new AnchorTrust();
        trust.Judge(rows, before, after);
        trust.Leaves = [.. trust._trusted.SelectMany(anchor => anchor.Leaves).OrderBy(leaf => leaf.Sequence)];
        foreach (var leaf in trust.Leaves)
        {
            trust._bySequence.TryAdd(leaf.Sequence, leaf);
            trust._byId.TryAdd(leaf.Id, leaf);
        }

        return trust;
    }

    public AnchorLeaf? At(long sequence) => _bySequence.GetValueOrDefault(sequence);

    public AnchorLeaf? Of(Guid id) => _byId.GetValueOrDefault(id);

    /// <summary>Whether a believed anchor speaks of this sequence number.</summary>
    public bool Covers(long sequence)
    {
        var (low, high) = (0, _trusted.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (_trusted[middle].To < sequence)
                low = middle + 1;
            else if (_trusted[middle].From > sequence)
                high = middle - 1;
            else
                return true;
        }

        return false;
    }

    private void Judge(IReadOnlyList<(Anchor Anchor, bool Outside)> rows, IReadOnlyList<Anchor?>? before, IReadOnlyList<Anchor?>? after)
    {
        var lines = Lines(after ?? []);
        var mustHaveRow = (before ?? []).OfType<Anchor>().Select(line => line.Number).ToHashSet();
        var byNumber = rows.ToDictionary(row => row.Anchor.Number);
        Anchor? previous = null;
        foreach (var number in byNumber.Keys.Union(mustHaveRow).Order())
        {
            var line = lines.GetValueOrDefault(number);
            Anchor? row = byNumber.TryGetValue(number, out var found) ? found.Anchor : null;
            Compare(number, row, line, mustHaveLine: after is not null && row is not null && found.Outside);
            var chosen = line is { IsConsistent: true } && (lines.GetValueOrDefault(number + 1) is not { } next || next.Previous == line.Hash) ? line
                : row is { IsConsistent: true } ? row
                : null;
            AnchoredTo = Math.Max(AnchoredTo, Math.Max(row?.To ?? 0, line?.To ?? 0));
            if (chosen is null)
                continue;
            if (previous is not null ? chosen.Number == previous.Number + 1 && !chosen.Follows(previous) : chosen.Number == 1 && !chosen.Follows(null))
                Report(number, chosen.From, "does not follow from the anchor before it");
            if (previous is { } last && chosen.Number > last.Number + 1 || previous is null && chosen.Number > 1)
                Report(chosen.Number - 1, null, "is gone");
            _trusted.Add(chosen);
            previous = chosen;
        }

        _trusted.Sort((one, other) => one.From.CompareTo(other.From));
    }

    private Dictionary<long, Anchor> Lines(IReadOnlyList<Anchor?> lines)
    {
        var byNumber = new Dictionary<long, Anchor>();
        for (var index = 0; index < lines.Count; index++)
        {
            if (lines[index] is not { } line)
                Finding ??= new Finding(FindingKind.AnchorMismatch, null, null, null, null, $"Line {index + 1} of the anchor file does not read as an anchor.");
            else if (!byNumber.TryAdd(line.Number, line))
                Report(line.Number, line.From, "stands twice in the anchor file");
        }

        return byNumber;
    }

    private void Compare(long number, Anchor? row, Anchor? line, bool mustHaveLine)
    {
        if (row is null)
            Report(number, line?.From, "is in the file outside but was removed from the database");
        else if (line is null && mustHaveLine)
            Report(number, row.From, "is in the database but was removed from the file outside");
        else if (line is { IsConsistent: false })
            Report(number, line.From, "was edited in the file outside: its content does not give its hash");
        else if (!row.IsConsistent)
            Report(number, row.From, "was edited in the database: its content does not give its hash");
        else if (line is not null && line.Hash != row.Hash)
            Report(number, row.From, "differs between the database and the file outside");
    }

    private void Report(long number, long? sequence, string what) =>
        Finding ??= new Finding(FindingKind.AnchorMismatch, null, null, sequence, null, $"Anchor {number} {what}.");
}
