using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.Labelled;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Tests.Policy;

public sealed class DefaultPolicyTests
{
    private static readonly ErrorCodePolicy Default = ErrorCodePolicy.Default;

    [Fact]
    public void Every_code_of_the_catalogues_and_every_host_symptom_has_a_rule_that_names_it()
    {
        var codes = Rows("xid/xid_catalog.csv").Select(row => $"xid-{row["code"]}").Concat(Rows("xid/sxid_catalog.csv").Select(row => $"sxid-{row["code"]}")).ToList();
        codes.Count.ShouldBe(172 + 92);
        codes.Concat(Enum.GetValues<HostSymptom>().Select(symptom => $"host-{HostSymptoms.NameOf(symptom)}"))
            .Where(code => !Default.Rules.Any(rule => PolicyRule.Split(code) is var (ofClass, number) && rule.Class == ofClass && (rule.Codes?.Contains(number) ?? ofClass == CodeClass.NvLink5)))
            .ShouldBeEmpty();
    }

    [Fact]
    public void Tiers_lie_within_what_the_catalogues_ask_for()
    {
        foreach (var row in Rows("xid/xid_catalog.csv").Where(row => row["description"] != "Unused"))
        {
            var tier = Tier($"xid-{row["code"]}");
            switch (row["immediate_action"])
            {
                case "RESET_GPU" or "RESTART_BM" or "RESTART_VM":
                    tier.ShouldBe(PolicyTier.Replace, row["mnemonic"]);
                    break;
                case "RESTART_APP":
                    tier.ShouldBe(PolicyTier.Restart, row["mnemonic"]);
                    break;
                case "IGNORE":
                    tier.ShouldBeOneOf(PolicyTier.Ignore, PolicyTier.Reattempt);
                    break;
            }
        }

        foreach (var row in Rows("xid/sxid_catalog.csv"))
        {
            if (row["always_fatal"] == "true") Tier($"sxid-{row["code"]}").ShouldBe(PolicyTier.Replace, row["name"]);
            if (row["name"] == "Single bit ECC errors") Tier($"sxid-{row["code"]}", saysFatal: false).ShouldBe(PolicyTier.Ignore, row["name"]);
        }
    }

    [Theory]
    [InlineData("sxid-20034", true, PolicyTier.Replace)]
    [InlineData("sxid-20034", false, PolicyTier.Reattempt)]
    [InlineData("sxid-20034", null, PolicyTier.Restart)]
    [InlineData("sxid-99999", true, PolicyTier.Replace)]
    [InlineData("sxid-99999", null, PolicyTier.Ignore)]
    [InlineData("xid-999", null, PolicyTier.Ignore)]
    [InlineData("fail-slow", null, PolicyTier.Replace)]
    [InlineData("XID-79", null, PolicyTier.Replace)]
    [InlineData("something-else", null, PolicyTier.Ignore)]
    public void What_the_report_says_counts_where_catalogues_leave_it_open(string code, bool? saysFatal, PolicyTier tier) => Tier(code, saysFatal).ShouldBe(tier);

    [Theory]
    [InlineData("NVRM: Xid (PCI:0018:01:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 0 (0x00000004 0x00000040)", PolicyTier.Replace)]
    [InlineData("NVRM: Xid (PCI:0018:01:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 0 (0x00000004 0x00000001)", PolicyTier.Reattempt)]
    [InlineData("NVRM: Xid (PCI:0018:01:00): 145, RLW_REMAP Nonfatal XC0 i0 Link 0 (0x00000004 0x00000100)", PolicyTier.Ignore)]
    [InlineData("NVRM: Xid (PCI:0018:01:00): 145, cut off", PolicyTier.Reattempt)]
    [InlineData("NVRM: Xid (PCI:0009:01:00): 154, GPU recovery action changed from 0x4 (Drain and Reset) to 0x0 (None)", PolicyTier.Ignore)]
    [InlineData("NVRM: Xid (PCI:0009:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)", PolicyTier.Replace)]
    public void What_is_decoded_below_the_code_counts(string line, PolicyTier tier)
    {
        var fault = FaultText.Decode(line).ShouldNotBeNull();
        var observed = new ObservedFault("m1", fault.Code, DateTimeOffset.UnixEpoch, "/test", "1") { Subcode = fault.Subcode, SaysFatal = fault.SaysFatal, Advice = fault.NvLink?.Advice };
        Default.Judge([observed]).ShouldHaveSingleItem().Tier.ShouldBe(tier);
    }

    private static PolicyTier Tier(string code, bool? saysFatal = null) =>
        Default.Judge([new ObservedFault("m1", code, DateTimeOffset.UnixEpoch, "/test", "1") { SaysFatal = saysFatal }]).ShouldHaveSingleItem().Tier;

    private static IEnumerable<IReadOnlyDictionary<string, string>> Rows(string file) => CsvRows.Read(RealData.Read(file));
}
