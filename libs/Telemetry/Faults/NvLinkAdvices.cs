namespace TrainMover.Telemetry.Faults;

/// <summary>Names of <see cref="NvLinkAdvice"/> in policies and messages.</summary>
public static class NvLinkAdvices
{
    /// <summary>For example <c>follow-recovery-action</c>.</summary>
    public static string NameOf(NvLinkAdvice advice) => advice switch
    {
        NvLinkAdvice.None => "none",
        NvLinkAdvice.FollowRecoveryAction => "follow-recovery-action",
        NvLinkAdvice.Reset => "reset",
        _ => throw new ArgumentOutOfRangeException(nameof(advice)),
    };

    /// <summary>The advice of a name, or null where there is none.</summary>
    public static NvLinkAdvice? Find(string? name) => Enum.GetValues<NvLinkAdvice>().Cast<NvLinkAdvice?>().FirstOrDefault(advice => NameOf(advice!.Value) == name);
}
