using TrainMover.Domain.Detection;

namespace TrainMover.Detection.Live.Sources;

/// <summary>Findings that wait a short time for others of the same cause. Not safe for use by several threads at once.</summary>
public sealed class HeldFindings
{
    private readonly Dictionary<string, (Finding Finding, DateTimeOffset Since)> _held = new(StringComparer.Ordinal);

    /// <summary>Holds a finding; the first one of a machine and severity counts.</summary>
    public void Hold(Finding finding, DateTimeOffset now) => _held.TryAdd(Key(finding), (finding, now));

    /// <summary>Whether one of its machine and severity is held already.</summary>
    public bool Has(Finding finding) => _held.ContainsKey(Key(finding));

    /// <summary>All that is held, once the first of it has waited long enough; until it is <see cref="Done"/>.</summary>
    /// <param name="now">Time of the look.</param>
    /// <param name="together">How long the first one waits.</param>
    public IReadOnlyList<Finding> Due(DateTimeOffset now, TimeSpan together) =>
        _held.Values.Any(held => now - held.Since >= together) ? [.. _held.Values.Select(held => held.Finding)] : [];

    /// <summary>These took effect.</summary>
    public void Done(IReadOnlyList<Finding> findings)
    {
        foreach (var (key, _) in _held.Where(held => findings.Contains(held.Value.Finding)).ToList()) _held.Remove(key);
    }

    private static string Key(Finding finding) => $"{finding.MachineId}/{finding.Cause}/{finding.Severity}";
}
