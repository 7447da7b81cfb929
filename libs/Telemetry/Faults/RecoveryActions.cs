namespace TrainMover.Telemetry.Faults;

/// <summary>Names of <see cref="RecoveryAction"/> in policies and subcodes.</summary>
public static class RecoveryActions
{
    /// <summary>For example <c>drain-and-reset</c>.</summary>
    public static string NameOf(RecoveryAction action) => action switch
    {
        RecoveryAction.None => "none",
        RecoveryAction.Reset => "reset",
        RecoveryAction.Reboot => "reboot",
        RecoveryAction.DrainPeers => "drain-peers",
        RecoveryAction.DrainAndReset => "drain-and-reset",
        _ => throw new ArgumentOutOfRangeException(nameof(action)),
    };

    /// <summary>The new action in <c>... changed from 0x0 (None) to 0x4 (Drain and Reset)</c>; null where the text names none that is known.</summary>
    internal static RecoveryAction? Find(ReadOnlySpan<char> text)
    {
        var to = text.LastIndexOf(" to 0x", StringComparison.Ordinal);
        if (to < 0) return null;
        var cursor = new TextCursor(text[(to + 4)..]);
        return cursor.TryTakeHexWord(out var value) && value <= (uint)RecoveryAction.DrainAndReset ? (RecoveryAction)value : null;
    }
}
