using System.Text;

namespace TrainMover.Telemetry.Policy;

/// <summary>
/// What follows from error codes. Sources disagree on that, so it is configuration: a default comes with the program, and a file of the user's own goes before it, rule by rule.
/// The first rule that applies counts.
/// </summary>
/// <param name="Version">Name under which verdicts are recorded.</param>
/// <param name="Repeat">When repetition makes an error graver.</param>
/// <param name="Rules">The rules, the first that applies first.</param>
public sealed record ErrorCodePolicy(string Version, RepeatOptions Repeat, IReadOnlyList<PolicyRule> Rules)
{
    private const string Resource = "error-codes.yaml";

    /// <summary>The policy that comes with the program.</summary>
    public static ErrorCodePolicy Default { get; } = ReadDefault();

    /// <summary>Reads a policy.</summary>
    /// <param name="yaml">Its text; <c>docs/telemetry.md</c> explains the fields.</param>
    /// <param name="name">Its name in errors.</param>
    /// <exception cref="PolicyException">It names an unknown tier, class, code or field, says something twice, or cannot be read at all.</exception>
    public static ErrorCodePolicy Parse(string yaml, string name) => new PolicyReader(name).Read(yaml);

    /// <summary>The default, with the rules of a user's file before its own; the default alone where there is no file.</summary>
    /// <exception cref="PolicyException">The file is absent or cannot be used.</exception>
    public static ErrorCodePolicy Load(string? file)
    {
        if (string.IsNullOrEmpty(file)) return Default;
        try
        {
            return Parse(File.ReadAllText(file), file).Before(Default);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new PolicyException($"The error-code policy {file} cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>This policy, and another one for codes that this one does not name. Settings of repetition are this one's.</summary>
    public ErrorCodePolicy Before(ErrorCodePolicy other) => this with { Version = $"{Version}+{other.Version}", Rules = [.. Rules, .. other.Rules] };

    /// <summary>The rule for a fault, or null where none names it: nothing follows then.</summary>
    public PolicyRule? RuleFor(ObservedFault fault) => Rules.FirstOrDefault(rule => rule.AppliesTo(fault));

    /// <summary>
    /// Judges a window of faults: one verdict for each code of each device, also for those that are ignored. Repetition within the window raises the tier.
    /// Depends on nothing but its arguments; the order of the faults does not matter.
    /// </summary>
    public IReadOnlyList<Verdict> Judge(IEnumerable<ObservedFault> window) =>
    [
        .. window.GroupBy(fault => (fault.MachineId, fault.Device, Code: fault.Code.ToLowerInvariant()))
            .OrderBy(group => group.Key.MachineId, StringComparer.Ordinal).ThenBy(group => group.Key.Device, StringComparer.Ordinal).ThenBy(group => group.Key.Code, StringComparer.Ordinal)
            .Select(group => Judge(group.Key.MachineId, group.Key.Code, group.Key.Device, [.. group.OrderBy(fault => fault.At).ThenBy(fault => fault.Id, StringComparer.Ordinal)])),
    ];

    private Verdict Judge(string machineId, string code, string? device, List<ObservedFault> faults)
    {
        var recent = faults.Where(fault => faults[^1].At - fault.At <= Repeat.Window).ToList();
        var heaviest = recent.Select(RuleFor).OfType<PolicyRule>().MaxBy(rule => rule.Tier);
        var ruleTier = heaviest?.Tier ?? PolicyTier.Ignore;
        var times = Occurrences(recent);
        var tier = ruleTier == PolicyTier.Ignore && !Repeat.RaisesIgnored
            ? ruleTier
            : (PolicyTier)Math.Min((int)PolicyTier.Replace, (int)ruleTier + (times / Repeat.Times));
        var reason = new StringBuilder($"{machineId}{(device is null ? "" : $" ({device})")} reported {code}: {heaviest?.Reason ?? "no rule names this code"}");
        if (tier != ruleTier) reason.Append($"; {times} times in {Duration.Write(Repeat.Window)}, so {Name(tier)} instead of {Name(ruleTier)}");
        return new Verdict(machineId, code, device, tier, ruleTier, times, reason.Append('.').ToString(), Version, recent);
    }

    // Bursts are one occurrence, and details none, unless nothing else is left of theirs.
    private int Occurrences(List<ObservedFault> faults)
    {
        var count = 0;
        DateTimeOffset? last = null;
        foreach (var at in faults.Where(fault => !fault.IsDetail).Select(fault => fault.At))
        {
            if (last is null || at - last > Repeat.Apart) count++;
            last = at;
        }

        return Math.Max(1, count);
    }

    private static string Name(PolicyTier tier) => tier.ToString().ToLowerInvariant();

    private static ErrorCodePolicy ReadDefault()
    {
        using var stream = typeof(ErrorCodePolicy).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd(), "the default policy");
    }
}
