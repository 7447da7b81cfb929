using System.Globalization;
using TrainMover.Telemetry.Faults;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace TrainMover.Telemetry.Policy;

/// <summary>Reads a policy and says where it is wrong.</summary>
internal sealed class PolicyReader(string name)
{
    private const int MostCodesInRange = 10_000;

    private static readonly Dictionary<string, PolicyTier> Tiers = Enum.GetValues<PolicyTier>().ToDictionary(tier => tier.ToString().ToLowerInvariant(), StringComparer.Ordinal);
    private static readonly Dictionary<string, CodeClass> Classes = Enum.GetValues<CodeClass>().ToDictionary(value => value.ToString().ToLowerInvariant(), StringComparer.Ordinal);
    private static readonly Dictionary<string, bool> Sayings = new(StringComparer.Ordinal) { ["fatal"] = true, ["nonfatal"] = false };
    private static readonly Dictionary<string, NvLinkAdvice> Advices = Enum.GetValues<NvLinkAdvice>().ToDictionary(NvLinkAdvices.NameOf, StringComparer.Ordinal);

    private readonly Dictionary<(CodeClass, string, PolicyCondition), long> _seen = [];

    public ErrorCodePolicy Read(string yaml)
    {
        var documents = new YamlStream();
        try
        {
            documents.Load(new StringReader(yaml));
        }
        catch (YamlException broken)
        {
            throw new PolicyException($"{name}, line {broken.Start.Line}: this is no YAML: {broken.Message}");
        }

        if (documents.Documents is not [{ RootNode: YamlMappingNode root }]) throw new PolicyException($"{name}: a policy is one document with the fields version, repeat and rules.");
        Allow(root, "version", "repeat", "rules");
        var rules = Field(root, "rules") is { } list
            ? (list as YamlSequenceNode ?? throw Wrong(list, "rules is a list")).Children.Select(Rule).ToList()
            : throw Wrong(root, "rules are missing");
        return new ErrorCodePolicy(Text(root, "version") ?? throw Wrong(root, "version is missing: verdicts are recorded under it"), Repeat(root), rules);
    }

    private RepeatOptions Repeat(YamlMappingNode root)
    {
        var options = new RepeatOptions();
        if (Field(root, "repeat") is not { } node) return options;
        var repeat = Mapping(node, "repeat");
        Allow(repeat, "window", "apart", "times", "raisesIgnored");
        options = options with
        {
            Window = Time(repeat, "window") ?? options.Window,
            Apart = Time(repeat, "apart") ?? options.Apart,
            Times = Text(repeat, "times") is { } times ? int.TryParse(times, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw Wrong(repeat, $"times '{times}' is no number") : options.Times,
            RaisesIgnored = OneOf(repeat, "raisesIgnored", new Dictionary<string, bool>(StringComparer.Ordinal) { ["true"] = true, ["false"] = false }) ?? options.RaisesIgnored,
        };
        return options.BrokenRule(InPolicy) is { } broken ? throw Wrong(node, broken.TrimEnd('.')) : options;
    }

    private static string InPolicy(string setting) => $"repeat.{char.ToLowerInvariant(setting[0])}{setting[1..]}";

    private PolicyRule Rule(YamlNode node)
    {
        var rule = Mapping(node, "a rule");
        Allow(rule, "class", "codes", "when", "tier", "reason");
        var ofClass = OneOf(rule, "class", Classes) ?? throw Wrong(rule, "class is missing");
        var tier = OneOf(rule, "tier", Tiers) ?? throw Wrong(rule, "tier is missing");
        var when = When(rule);
        var codes = Codes(rule, ofClass);
        foreach (var code in codes ?? (IEnumerable<string>)["all"])
        {
            if (!_seen.TryAdd((ofClass, code, when), rule.Start.Line))
                throw Wrong(rule, $"{ofClass.ToString().ToLowerInvariant()} {code} has a rule in line {_seen[(ofClass, code, when)]} already, under the same condition");
        }

        return new PolicyRule(ofClass, codes, when, tier, Text(rule, "reason") ?? throw Wrong(rule, "reason is missing: an operator will ask for it"));
    }

    private PolicyCondition When(YamlMappingNode rule)
    {
        if (Field(rule, "when") is not { } node) return new PolicyCondition();
        var when = Mapping(node, "when");
        Allow(when, "says", "subcode", "advice");
        return new PolicyCondition(OneOf(when, "says", Sayings), Text(when, "subcode"), OneOf(when, "advice", Advices));
    }

    private HashSet<string>? Codes(YamlMappingNode rule, CodeClass ofClass)
    {
        var node = Field(rule, "codes") ?? throw Wrong(rule, "codes are missing: list them, or write all");
        if (node is YamlScalarNode { Value: "all" }) return null;
        if (node is not YamlSequenceNode { Children.Count: > 0 } list) throw Wrong(node, "codes is a list of codes, or all");
        var codes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in list)
        {
            var text = (entry as YamlScalarNode)?.Value ?? throw Wrong(entry, "a code is a number, a range or a name");
            foreach (var code in ofClass is CodeClass.Host or CodeClass.Named ? NamesOf(entry, text, ofClass) : Numbers(entry, text, ofClass))
            {
                if (!codes.Add(code)) throw Wrong(entry, $"code {code} stands twice in one rule");
            }
        }

        return codes;
    }

    private string[] NamesOf(YamlNode entry, string text, CodeClass ofClass) => ofClass == CodeClass.Host && HostSymptoms.Find(text) is null
        ? throw Wrong(entry, $"'{text}' is no host symptom; there are {string.Join(", ", Enum.GetValues<HostSymptom>().Select(HostSymptoms.NameOf))}")
        : [text.ToLowerInvariant()];

    private IEnumerable<string> Numbers(YamlNode entry, string text, CodeClass ofClass)
    {
        var dash = text.IndexOf('-');
        var (from, to) = dash < 0 ? (text, text) : (text[..dash], text[(dash + 1)..]);
        if (!int.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) || !int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            || first < 1 || last < first || last - first >= MostCodesInRange)
        {
            throw Wrong(entry, $"'{text}' is neither a code nor a range of codes such as 39-41");
        }

        if (ofClass != CodeClass.SXid && PolicyRule.Split($"xid-{first}").Class is var actual && (actual != ofClass || PolicyRule.Split($"xid-{last}").Class != ofClass))
            throw Wrong(entry, $"'{text}' does not belong to the class {ofClass.ToString().ToLowerInvariant()}: 144 to 150 are nvlink5, the others xid");
        return Enumerable.Range(first, last - first + 1).Select(code => $"{code}");
    }

    private TimeSpan? Time(YamlMappingNode parent, string field) =>
        Text(parent, field) is not { } text ? null : Duration.Parse(text) ?? throw Wrong(parent, $"{field} '{text}' is not {Duration.Shape}");

    private TValue? OneOf<TValue>(YamlMappingNode parent, string field, Dictionary<string, TValue> known)
        where TValue : struct
    {
        if (Text(parent, field) is not { } text) return null;
        return known.TryGetValue(text, out var value) ? value : throw Wrong(Field(parent, field)!, $"{field} '{text}' is unknown; there are {string.Join(", ", known.Keys)}");
    }

    private void Allow(YamlMappingNode node, params string[] fields)
    {
        foreach (var key in node.Children.Keys)
        {
            if (key is not YamlScalarNode { Value: { } field } || !fields.Contains(field))
                throw Wrong(key, $"field '{key}' is unknown; there are {string.Join(", ", fields)}");
        }
    }

    private YamlMappingNode Mapping(YamlNode node, string what) => node as YamlMappingNode ?? throw Wrong(node, $"{what} consists of fields");

    private static YamlNode? Field(YamlMappingNode node, string field) => node.Children.TryGetValue(new YamlScalarNode(field), out var value) ? value : null;

    private string? Text(YamlMappingNode node, string field) => Field(node, field) switch
    {
        null => null,
        YamlScalarNode { Value: { Length: > 0 } text } => text,
        var other => throw Wrong(other, $"{field} is one value"),
    };

    private PolicyException Wrong(YamlNode node, string reason) => new($"{name}, line {node.Start.Line}: {reason}.");
}
