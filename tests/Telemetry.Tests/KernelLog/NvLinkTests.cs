using System.Globalization;
using TrainMover.Telemetry.Faults;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class NvLinkTests
{
    [Fact]
    public void Every_rule_of_the_catalogue_decodes_to_its_advice_in_both_layouts_by_name_and_by_number()
    {
        var rules = RealData.Read("xid/nvlink5_decode_144_150.csv").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(row => row.Split(',')).ToList();
        rules.Count.ShouldBeGreaterThan(90);
        foreach (var rule in rules)
        {
            var advice = rule[5] switch
            {
                "IGNORE" => NvLinkAdvice.None,
                "XID_154_EVAL" => NvLinkAdvice.FollowRecoveryAction,
                "RESET_GPU" => NvLinkAdvice.Reset,
                _ => throw new FormatException(rule[5]),
            };
            foreach (var pattern in rule[2..4])
            {
                var information = Convert.ToUInt32(pattern.Replace('-', '0'), 2);
                foreach (var unit in rule[1].Split('/').Append(rule[1]).Append("UNNAMED"))
                {
                    // What the line itself says must not be needed.
                    var error = Decode(int.Parse(rule[0], CultureInfo.InvariantCulture), $"{unit} Nonfatal XC0 i0 Link 03 (0x{information:x8} {rule[4]} 0x00000000)");
                    (error.IsCatalogued, error.Advice).ShouldBe((true, advice), string.Join(',', rule));
                }
            }
        }
    }

    [Fact]
    public void Of_several_bits_the_heaviest_counts() =>
        Decode(145, "RLW_REMAP Nonfatal XC0 i0 Link 03 (0x00000004 0x00000141)").Advice.ShouldBe(NvLinkAdvice.Reset);

    [Theory]
    [InlineData("RLW_REMAP Nonfatal XC0 i0 Link 03 (0x00000004 0x40000001)", NvLinkAdvice.None, NvLinkReach.NonFatal)]
    [InlineData("RLW_REMAP Fatal XC0 i0 Link 03 (0x00000004 0x40000001)", NvLinkAdvice.Reset, NvLinkReach.Fatal)]
    [InlineData("RLW_REMAP Fatal XC0 i0 Link 03 (0x00000004", NvLinkAdvice.Reset, NvLinkReach.Fatal)]
    [InlineData("NEVER_SEEN Fatal XC0 i0 Link -1 (0x000003ff 0x00000001)", NvLinkAdvice.Reset, NvLinkReach.Fatal)]
    public void What_the_catalogue_does_not_have_is_judged_by_what_the_line_says(string words, NvLinkAdvice advice, NvLinkReach reach)
    {
        var error = Decode(145, words);
        (error.IsCatalogued, error.Advice, error.Reach).ShouldBe((false, advice, reach));
    }

    [Fact]
    public void Unit_reason_status_and_link_are_told_apart()
    {
        var error = Decode(149, "NETIR_LINK_EVT  Fatal   XC0 i0 Link 14 (0x0215c5c6 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)");
        error.ShouldBe(new NvLinkError("NETIR_LINK_EVT", 33, 0, 14, SaysFatal: true, NvLinkReach.LinkFatal, NvLinkAdvice.Reset, IsCatalogued: true, "the device at the other end"));
        error.Subcode.ShouldBe("netir-link-evt/33/0");
    }

    private static NvLinkError Decode(int xid, string words)
    {
        var fault = FaultText.Decode($"NVRM: Xid (PCI:0018:01:00): {xid}, {words}").ShouldNotBeNull();
        fault.Class.ShouldBe(FaultClass.NvLink5);
        return fault.NvLink.ShouldNotBeNull();
    }
}
