namespace TrainMover.EventLog;

/// <summary>Names what was done where the log departs from its hashes and anchors.</summary>
internal sealed class Diagnosis(EventLookup lookup, AnchorTrust trust)
{
    public static Finding Finding(FindingKind kind, EventRow row, string what) =>
        new(kind, row.Stream, row.Version, row.Sequence, row.Id, $"Event {row.Version} of stream '{row.Stream}' (sequence {row.Sequence}) {what}.");

    public async Task<Finding> OfMissingAsync(AnchorLeaf leaf, CancellationToken ct)
    {
        if (await lookup.ByIdAsync(leaf.Id, ct) is { } moved)
            return Swapped(leaf, $"stands at sequence {moved.Sequence} now");
        var rest = await lookup.StreamAsync(leaf.Stream, ct);
        return new Finding(
            FindingKind.Missing, leaf.Stream, leaf.Version, leaf.Sequence, leaf.Id,
            $"Event {leaf.Version} of stream '{leaf.Stream}' (sequence {leaf.Sequence}) was anchored and is gone{(rest.Count == 0 ? ", with the whole stream" : "")}.");
    }

    public async Task<Finding> OfOtherIdAsync(EventRow row, AnchorLeaf leaf, CancellationToken ct)
    {
        if (trust.Of(row.Id) is { } own)
            return Swapped(leaf, $"changed places with event {own.Version} of stream '{own.Stream}'");
        return await lookup.ByIdAsync(leaf.Id, ct) is { } moved
            ? Finding(FindingKind.Inserted, row, $"stands where event {leaf.Id} was anchored, which was moved to sequence {moved.Sequence}")
            : Finding(FindingKind.Altered, row, $"was anchored under the id {leaf.Id}");
    }

    public async Task<Finding> OfOtherPlaceAsync(EventRow row, AnchorLeaf leaf, CancellationToken ct)
    {
        if (await lookup.AtAsync(leaf.Stream, leaf.Version, ct) is not { } holder)
            return new Finding(
                FindingKind.Altered, leaf.Stream, leaf.Version, leaf.Sequence, leaf.Id,
                $"Event {leaf.Version} of stream '{leaf.Stream}' (sequence {leaf.Sequence}) was moved to version {row.Version} of stream '{row.Stream}'.");
        return trust.Of(holder.Id) is { } other
            ? Swapped(leaf, $"changed places with event {other.Version} of stream '{other.Stream}'")
            : Finding(FindingKind.Inserted, holder, "was put in front of events that were anchored");
    }

    /// <summary>The body does not give the hash: was it exchanged with another, was the event inserted, or was it edited?</summary>
    public async Task<Finding> OfOtherHashAsync(EventRow row, string previous, string hash, bool rehashed, CancellationToken ct)
    {
        if (rehashed)
            return Finding(FindingKind.Altered, row, "was edited and hashed again: its hash is not the one that was anchored");
        var stream = await lookup.StreamAsync(row.Stream, ct);
        if (stream.Find(other => other.Id != row.Id && EventHash.Of(previous, row, other.Body, row.Version) == hash) is { } partner)
            return Finding(FindingKind.Swapped, row, $"holds the body of another event: its own is in event {partner.Version}");
        var anchored = trust.Of(row.Id) is not null;
        if (!anchored && stream.Find(one => one.Version == row.Version + 1) is { Hash: { } nextHash } next
            && EventHash.Of(previous, next, next.Body, row.Version) == nextHash)
            return Finding(FindingKind.Inserted, row, "is in no chain: the event after it follows the one before it");
        return Finding(FindingKind.Altered, row, "does not give the hash it was recorded with: its body or its metadata were edited");
    }

    /// <summary>Outside the anchors: a version is not the next one of its stream.</summary>
    public async Task<Finding> OfBrokenOrderAsync(EventRow row, long expected, string previous, CancellationToken ct)
    {
        if (row.Version < expected)
            return Finding(FindingKind.Swapped, row, $"comes after event {expected - 1} of its stream");
        if (await lookup.AtAsync(row.Stream, expected, ct) is not { } holder)
            return new Finding(
                FindingKind.Missing, row.Stream, expected, null, null,
                $"Event {expected} of stream '{row.Stream}' is gone: event {row.Version} (sequence {row.Sequence}) follows nothing.");
        var stream = await lookup.StreamAsync(row.Stream, ct);
        var isOwnPlace = row.Hash is not null && EventHash.Of(previous, row, row.Body, expected) == row.Hash;
        var holderBelongs = holder.Hash is not null && stream.Exists(one => EventHash.Of(one.Hash ?? "", holder, holder.Body, row.Version) == holder.Hash);
        return isOwnPlace && !holderBelongs
            ? Finding(FindingKind.Inserted, holder, "was put in front of later events of its stream")
            : Finding(FindingKind.Swapped, row, $"changed places with event {holder.Version} (sequence {holder.Sequence})");
    }

    private static Finding Swapped(AnchorLeaf leaf, string what) => new(
        FindingKind.Swapped, leaf.Stream, leaf.Version, leaf.Sequence, leaf.Id,
        $"Event {leaf.Version} of stream '{leaf.Stream}' (sequence {leaf.Sequence}) {what}.");
}
