using System.Globalization;
using TrainMover.Telemetry.Faults;

namespace TrainMover.Telemetry.Policy;

/// <summary>A catalogue that rules name codes of.</summary>
public enum CodeClass
{
    /// <summary>XIDs of the GPU driver, those of NVLink 5 left out; codes are numbers.</summary>
    Xid,

    /// <summary>XIDs 144 to 150; codes are numbers.</summary>
    NvLink5,

    /// <summary>SXIDs of NVSwitches; codes are numbers.</summary>
    SXid,

    /// <summary>What the kernel says of the host; codes are names of <see cref="HostSymptoms"/>.</summary>
    Host,

    /// <summary>Names that sources of one's own report.</summary>
    Named,
}

/// <summary>What has to hold beside the code for a rule to apply; what is null need not hold.</summary>
/// <param name="SaysFatal">The report itself calls the error fatal, or not fatal.</param>
/// <param name="Subcode">The subcode.</param>
/// <param name="Advice">What the decoding of an NVLink 5 error asks for.</param>
public sealed record PolicyCondition(bool? SaysFatal = null, string? Subcode = null, NvLinkAdvice? Advice = null)
{
    /// <summary>Whether it holds.</summary>
    public bool Holds(ObservedFault fault) =>
        (SaysFatal is null || fault.SaysFatal == SaysFatal) && (Subcode is null || fault.Subcode == Subcode) && (Advice is null || fault.Advice == Advice);
}

/// <summary>One rule of an error-code policy.</summary>
/// <param name="Class">The catalogue of its codes.</param>
/// <param name="Codes">Its codes, as they stand in the policy; null for all codes of the class.</param>
/// <param name="When">What has to hold beside the code.</param>
/// <param name="Tier">What follows.</param>
/// <param name="Reason">Why, in words for an operator.</param>
public sealed record PolicyRule(CodeClass Class, IReadOnlySet<string>? Codes, PolicyCondition When, PolicyTier Tier, string Reason)
{
    private const int FirstNvLink5 = 144;
    private const int LastNvLink5 = 150;

    /// <summary>Whether the rule applies.</summary>
    public bool AppliesTo(ObservedFault fault)
    {
        var (ofClass, code) = Split(fault.Code);
        return ofClass == Class && (Codes is null || Codes.Contains(code)) && When.Holds(fault);
    }

    /// <summary>Class of a code, and the code as rules write it: <c>xid-79</c> is 79 of <see cref="CodeClass.Xid"/>.</summary>
    public static (CodeClass Class, string Code) Split(string code)
    {
        if (Number(code, "xid-") is { } xid) return (xid is >= FirstNvLink5 and <= LastNvLink5 ? CodeClass.NvLink5 : CodeClass.Xid, $"{xid}");
        if (Number(code, "sxid-") is { } sxid) return (CodeClass.SXid, $"{sxid}");
        return code.StartsWith("host-", StringComparison.OrdinalIgnoreCase) ? (CodeClass.Host, code["host-".Length..].ToLowerInvariant()) : (CodeClass.Named, code.ToLowerInvariant());
    }

    private static int? Number(string code, string prefix) =>
        code.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && int.TryParse(code.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
