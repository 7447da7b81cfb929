namespace TrainMover.Telemetry.Faults;

/// <summary>What one status of an NVLink 5 unit means.</summary>
internal sealed record NvLinkMeaning(NvLinkReach Reach, NvLinkAdvice Advice, string? LookAt = null);

/// <summary>One unit that reports NVLink 5 errors.</summary>
/// <param name="Xid">Its XID.</param>
/// <param name="Unit">Its name, with the parts that drivers print for it.</param>
/// <param name="Id">Its number, in the lowest bits of the first word.</param>
/// <param name="HasReasons">Its errors are told apart by the reason, not by the status.</param>
/// <param name="StatusIsBits">The status is a set of bits, of which several can be set; the heaviest counts.</param>
/// <param name="Meanings">By status bit, status or reason.</param>
internal sealed record NvLinkUnit(int Xid, string Unit, NvLinkId Id, bool HasReasons, bool StatusIsBits, IReadOnlyDictionary<uint, NvLinkMeaning> Meanings)
{
    public NvLinkMeaning? Judge(int reason, uint status)
    {
        if (HasReasons) return status == 0 ? Meanings.GetValueOrDefault((uint)reason) : null;
        if (reason != 0) return null;
        if (!StatusIsBits) return Meanings.GetValueOrDefault(status);
        NvLinkMeaning? heaviest = null;
        for (var left = status; left != 0; left &= left - 1)
        {
            // A bit that nobody documented says nothing about the others, but the whole is not known then.
            if (Meanings.GetValueOrDefault(left & (~left + 1)) is not { } meaning) return null;
            if (heaviest is null || meaning.Advice > heaviest.Advice) heaviest = meaning;
        }

        return heaviest;
    }
}

/// <summary>The number of a unit in the two layouts of the first word that drivers have used.</summary>
/// <param name="Ten">Its lowest ten bits in the older layout: the unit above the XID.</param>
/// <param name="Seven">Its lowest seven bits in the newer one.</param>
internal readonly record struct NvLinkId(uint Ten, uint Seven);

/// <summary>The units of XID 144 to 150 and what their errors mean.</summary>
internal static class NvLinkCatalogue
{
    private const uint TenBits = 0x3ff;
    private const uint SevenBits = 0x7f;
    private const uint Software = 0x8000_0000;
    private const string Peer = "the device at the other end";
    private const string Cables = "cables and signal";
    private const string Signal = "signal of the link";
    private const string User = "software of the user";

    private static readonly NvLinkMeaning Nothing = new(NvLinkReach.NonFatal, NvLinkAdvice.None);
    private static readonly NvLinkMeaning Follow = new(NvLinkReach.NonFatal, NvLinkAdvice.FollowRecoveryAction);
    private static readonly NvLinkMeaning Reset = new(NvLinkReach.Fatal, NvLinkAdvice.Reset);
    private static readonly NvLinkMeaning LinkReset = new(NvLinkReach.LinkFatal, NvLinkAdvice.Reset);

    private static readonly ILookup<int, NvLinkUnit> Units = new[]
    {
        Bits(144, "SAW_MVB", 0b00001_00001, 1, nothing: [0x1, 0x4, 0x8, 0x20], reset: [0x2, 0x10]),
        Bits(145, "RLW_CTRL", 0b00011_00010, 3, nothing: [Software]),
        Bits(145, "RLW_REMAP", 0b00100_00010, 4, nothing: [0x100, 0x200, Software], reset: [0x40, 0x80], follow: [0x1, 0x2, 0x4, 0x8, 0x10, 0x20]),
        Bits(145, "RLW_RSPCOL", 0b00101_00010, 5, nothing: [0x1, Software], reset: [0x2]),
        Bits(145, "RLW_RXPIPE", 0b00110_00010, 6, nothing: [0x1, 0x2, 0x4, 0x8, Software]),
        Bits(145, "RLW_SRC_TRACK", 0b00111_00010, 7, nothing: [0x2, Software], reset: [0x1, 0x10, 0x20], follow: [0x4, 0x8]),
        Bits(145, "RLW_TAGSTATE", 0b01000_00010, 8, nothing: [0x1, 0x10000, Software], reset: [0x2, 0x20000, 0x100000]),
        Bits(146, "TLW_CTRL", 0b01001_00011, 9, nothing: [0x1, 0x2, Software], reset: [0x4]),
        Bits(146, "TLW_RX/TLW_RX_PIPE0", 0b01010_00011, 10, nothing: [0x1, 0x2, Software], reset: [0x4]),
        Bits(146, "TLW_RX/TLW_RX_PIPE1", 0b01010_00011, 11, nothing: [0x1, 0x2, Software], reset: [0x4]),
        Bits(146, "TLW_TX/TLW_TX_PIPE0", 0b01011_00011, 12, nothing: [0x1, 0x2, Software], reset: [0x4]),
        Bits(146, "TLW_TX/TLW_TX_PIPE1", 0b01011_00011, 13, nothing: [0x1, 0x2, Software], reset: [0x4]),
        Bits(147, "TREX", 0b01100_00100, 14, nothing: [0x1, Software]),
        Bits(148, "NVLPW_CTRL/NVLPW", 0b00000_00101, 15, nothing: [Software]),
        Values(149, "NETIR/NETIR_INT", 0b00000_00110, 24, (0, LinkReset)),
        Values(149, "NETIR_BER_EVENT", 0b10001_00110, 19, [.. Enumerable.Range(0, 4).Select(status => ((uint)status, Nothing with { LookAt = Cables }))]),
        Reasons(149, "NETIR_LINK_EVT/NETIR_LINK_DOWN", 0b01110_00110, 17,
        [
            (0, LinkReset), (1, LinkReset), (2, LinkReset with { LookAt = Signal }), (4, LinkReset with { LookAt = Signal }), (10, LinkReset with { LookAt = Signal }),
            (15, LinkReset with { LookAt = User }), (16, LinkReset with { LookAt = $"{User}, {Signal}" }), (17, LinkReset with { LookAt = User }),
            (18, LinkReset with { LookAt = $"{User}, {Signal}" }), (21, LinkReset with { LookAt = Peer }), (22, LinkReset with { LookAt = User }),
            .. Enumerable.Range(32, 6).Select(reason => ((uint)reason, LinkReset with { LookAt = Peer })),
            (38, new NvLinkMeaning(NvLinkReach.LinkFatal, NvLinkAdvice.None, User)), (40, new NvLinkMeaning(NvLinkReach.Fatal, NvLinkAdvice.None, "the host")),
            (42, LinkReset with { LookAt = Cables }), (43, LinkReset with { LookAt = Cables }),
        ]),
        Values(149, "NETIR_MFDE_EVENT", 0b10010_00110, 20, (1, Reset), (3, Nothing), (4, Reset), (5, Reset), (7, Reset)),
        Values(150, "MSE_WATCHDOG", 0b00000_00000, 0, (0, Reset)),
    }.ToLookup(unit => unit.Xid);

    /// <summary>The unit that a line names, or, where it names none that is known, the one whose number the first word carries.</summary>
    public static NvLinkUnit? Find(int xid, ReadOnlySpan<char> name, uint information)
    {
        foreach (var unit in Units[xid])
        {
            if (IsNamed(unit.Unit, name)) return unit;
        }

        return Units[xid].FirstOrDefault(unit => unit.Id.Ten == (information & TenBits)) ?? Units[xid].FirstOrDefault(unit => unit.Id.Seven == (information & SevenBits));
    }

    // Drivers print either part of a name, or both.
    private static bool IsNamed(string unit, ReadOnlySpan<char> name)
    {
        var slash = unit.IndexOf('/');
        return name.SequenceEqual(unit) || (slash > 0 && (name.SequenceEqual(unit.AsSpan(0, slash)) || name.SequenceEqual(unit.AsSpan(slash + 1))));
    }

    private static NvLinkUnit Bits(int xid, string unit, uint ten, uint seven, uint[] nothing, uint[]? reset = null, uint[]? follow = null) => new(
        xid, unit, new NvLinkId(ten, seven), HasReasons: false, StatusIsBits: true,
        nothing.Select(bit => (Bit: bit, Meaning: Nothing)).Concat((reset ?? []).Select(bit => (Bit: bit, Meaning: Reset))).Concat((follow ?? []).Select(bit => (Bit: bit, Meaning: Follow)))
            .ToDictionary(entry => entry.Bit, entry => entry.Meaning));

    private static NvLinkUnit Values(int xid, string unit, uint ten, uint seven, params (uint Status, NvLinkMeaning Meaning)[] meanings) =>
        new(xid, unit, new NvLinkId(ten, seven), HasReasons: false, StatusIsBits: false, meanings.ToDictionary(entry => entry.Status, entry => entry.Meaning));

    private static NvLinkUnit Reasons(int xid, string unit, uint ten, uint seven, (uint Reason, NvLinkMeaning Meaning)[] meanings) =>
        new(xid, unit, new NvLinkId(ten, seven), HasReasons: true, StatusIsBits: false, meanings.ToDictionary(entry => entry.Reason, entry => entry.Meaning));
}
