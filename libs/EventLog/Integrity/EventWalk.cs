namespace TrainMover.EventLog;

/// <summary>Walks the log once in order of sequence, follows every stream's chain, holds each event against its anchor, and stops at the first finding.</summary>
internal sealed class EventWalk(EventLookup lookup, AnchorTrust trust)
{
    private readonly Dictionary<string, (long Version, string Hash)> _chains = new(StringComparer.Ordinal);
    private readonly Diagnosis _diagnosis = new(lookup, trust);

    public long EventsChecked { get; private set; }

    public async Task<Finding?> RunAsync(CancellationToken ct)
    {
        var nextLeaf = 0;
        await foreach (var row in lookup.AllAsync(ct))
        {
            if (nextLeaf < trust.Leaves.Count && trust.Leaves[nextLeaf].Sequence < row.Sequence)
                return await _diagnosis.OfMissingAsync(trust.Leaves[nextLeaf], ct);
            EventsChecked++;
            var finding = trust.Covers(row.Sequence) ? await CheckAnchoredAsync(row, ct) : await CheckChainAsync(row, ct);
            if (finding is not null)
                return finding;
            if (nextLeaf < trust.Leaves.Count && trust.Leaves[nextLeaf].Sequence == row.Sequence)
                nextLeaf++;
            _chains[row.Stream] = (row.Version, row.Hash ?? EventHash.Origin);
        }

        return nextLeaf < trust.Leaves.Count ? await _diagnosis.OfMissingAsync(trust.Leaves[nextLeaf], ct) : await CheckEndsAsync(ct);
    }

    private async Task<Finding?> CheckAnchoredAsync(EventRow row, CancellationToken ct)
    {
        if (trust.At(row.Sequence) is not { } leaf)
            return Diagnosis.Finding(FindingKind.Inserted, row, "was not there when this part of the log was anchored");
        if (row.Id != leaf.Id)
            return await _diagnosis.OfOtherIdAsync(row, leaf, ct);
        if (row.Stream != leaf.Stream || row.Version != leaf.Version)
            return await _diagnosis.OfOtherPlaceAsync(row, leaf, ct);
        var previous = Chain(row.Stream).Hash;
        if (Computed(previous, row) is var computed && computed != leaf.Hash)
            return await _diagnosis.OfOtherHashAsync(row, previous, leaf.Hash, rehashed: computed == row.Hash, ct);
        return row.Hash == leaf.Hash ? null : Diagnosis.Finding(FindingKind.Altered, row, "carries another hash than the one that was anchored");
    }

    private async Task<Finding?> CheckChainAsync(EventRow row, CancellationToken ct)
    {
        var (version, previous) = Chain(row.Stream);
        if (row.Version != version + 1)
            return await _diagnosis.OfBrokenOrderAsync(row, version + 1, previous, ct);
        if (row.Hash is null)
            return Diagnosis.Finding(FindingKind.Inserted, row, "carries no hash, as an event written past the log does");
        return Computed(previous, row) == row.Hash ? null : await _diagnosis.OfOtherHashAsync(row, previous, row.Hash, rehashed: false, ct);
    }

    private async Task<Finding?> CheckEndsAsync(CancellationToken ct)
    {
        foreach (var (stream, version) in await lookup.StreamVersionsAsync(ct))
        {
            var (reached, _) = Chain(stream);
            if (version > reached)
                return new Finding(
                    FindingKind.Missing, stream, reached + 1, null, null,
                    $"Event {reached + 1} of stream '{stream}' is gone: the stream was at version {version} and ends at {reached}.");
        }

        return null;
    }

    private (long Version, string Hash) Chain(string stream) => _chains.GetValueOrDefault(stream, (0, EventHash.Origin));

    private static string Computed(string previous, EventRow row) => EventHash.Of(previous, row);
}
