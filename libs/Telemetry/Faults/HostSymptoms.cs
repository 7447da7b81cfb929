using System.Collections.Frozen;

namespace TrainMover.Telemetry.Faults;

/// <summary>Names of host symptoms, and the words by which the kernel tells of them.</summary>
public static class HostSymptoms
{
    private delegate bool Confirm(TextCursor after);

    /// <param name="Symptom">What the line tells of.</param>
    /// <param name="Words">The words that a line must have.</param>
    /// <param name="Before">Words that must stand somewhere before them.</param>
    /// <param name="Confirm">What must follow directly.</param>
    private sealed record Phrase(HostSymptom Symptom, string Words, string? Before = null, Confirm? Confirm = null);

    // The first phrase that fits counts.
    private static readonly Phrase[] Phrases =
    [
        new(HostSymptom.RaidArrayFailure, ": Disk failure on ", "md/raid", after => !after.TakeWord().IsEmpty && after.TrySkip("detected, failing array")),
        new(HostSymptom.FilesystemReadOnly, "Remounting filesystem read-only"),
        new(HostSymptom.NvmePathFailure, ": no available path - failing I/O", "block nvme"),
        new(HostSymptom.NvmeTimeout, ": I/O ", "nvme nvme", after => after.TrySkipPast("QID ") && after.TryTakeNumber(out _) && after.TrySkip(" timeout")),
        new(HostSymptom.NvmeDeviceDisabled, ": Disabling device after reset failure", "nvme nvme"),
        new(HostSymptom.BeyondEndOfDevice, "attempt to access beyond end of device"),
        new(HostSymptom.SuperblockWriteError, "I/O error while writing superblock"),
        new(HostSymptom.BufferIoError, "Buffer I/O error on dev"),
        new(HostSymptom.TaskBlocked, " blocked for more than ", "task ", after => after.TryTakeNumber(out _) && after.TrySkip(" seconds")),
        new(HostSymptom.SoftLockup, "soft lockup - CPU#", Confirm: after => after.TryTakeNumber(out _) && after.TrySkip(" stuck for ") && after.TryTakeNumber(out _) && after.TrySkip('s')),
        new(HostSymptom.HardLockup, "Watchdog detected hard LOCKUP on cpu "),
        new(HostSymptom.OomKillChosen, "oom-kill:constraint="),
        new(HostSymptom.OomKilled, "Killed process ", Confirm: after => after.TryTakeNumber(out _) && ((after.TrySkip(" (") && after.TryTakeUntil(')', out _)) || after.TrySkip(", UID "))),
        new(HostSymptom.OomKilled, "Out of memory: Kill process ", Confirm: after => after.TryTakeNumber(out _)),
        new(HostSymptom.OutOfMemory, " invoked oom-killer:"),
        new(HostSymptom.FileLimitReached, "VFS: file-max limit ", Confirm: after => after.TryTakeNumber(out _) && after.TrySkip(" reached")),
        new(HostSymptom.KernelPanic, "Kernel panic - not syncing"),
        new(HostSymptom.StackTrace, " PID: ", "CPU: ", after => after.TryTakeNumber(out _) && after.TrySkip(" Comm: ") && !after.TakeWord().IsEmpty),
        new(HostSymptom.NfsServerNotResponding, " not responding", "nfs: server "),
        new(HostSymptom.NfsServerOk, " OK", "nfs: server "),
        new(HostSymptom.NfsWritebackHang, "nfs_lock_and_join_requests+0x"),
        new(HostSymptom.NfsWritebackHang, "nfs_page_async_flush+0x"),
        new(HostSymptom.PciePowerInsufficient, "Detected insufficient power on the PCIe slot (", Confirm: after => after.TryTakeNumber(out _) && after.TrySkip("W)")),
        new(HostSymptom.PortModuleHighTemperature, "High Temperature", "Port module event"),
        new(HostSymptom.AdapterRegisterFailed, "ACCESS_REG", "mlx5_cmd_out_err", after => after.TrySkipPast(" failed")),
        new(HostSymptom.NcclSegfault, " in libnccl.so", "segfault at "),
        new(HostSymptom.PeermemInvalidContext, "ERROR detected invalid context, skipping further processing", "nvidia-peermem"),
        new(HostSymptom.NvlinkTrainingFailed, ": Failed to update Rx Detect Link mask", "NVRM: knvlinkUpdatePostRxDetectLinkMask"),
        new(HostSymptom.NvlinkTrainingFailed, "postRxDetLinkMask failed", "NVRM: knvlinkDiscoverPostRxDetLinks"),
        new(HostSymptom.MemoryErrorUncorrected, " UE ", "EDAC MC"),
        new(HostSymptom.MemoryErrorCorrected, " CE ", "EDAC MC"),
        new(HostSymptom.MachineCheck, "[Hardware Error]: Machine check events logged"),
        new(HostSymptom.MachineCheck, "mce: [Hardware Error]: CPU "),
    ];

    private static readonly FrozenDictionary<HostSymptom, string> Names = Enum.GetValues<HostSymptom>().ToFrozenDictionary(symptom => symptom, Kebab);
    private static readonly FrozenDictionary<string, HostSymptom> ByName = Names.ToFrozenDictionary(entry => entry.Value, entry => entry.Key, StringComparer.Ordinal);

    internal static string[] Anchors { get; } = [.. Phrases.Select(phrase => phrase.Words)];

    /// <summary>The name in codes and policies, for example <c>nvme-timeout</c>.</summary>
    public static string NameOf(HostSymptom symptom) => Names[symptom];

    /// <summary>The symptom of a name, or null where there is none.</summary>
    public static HostSymptom? Find(string name) => ByName.TryGetValue(name, out var symptom) ? symptom : null;

    internal static KernelFault? Decode(ReadOnlySpan<char> text)
    {
        foreach (var phrase in Phrases)
        {
            var at = text.IndexOf(phrase.Words, StringComparison.Ordinal);
            if (at < 0 || (phrase.Before is { } before && !text[..at].Contains(before, StringComparison.Ordinal))) continue;
            if (phrase.Confirm is { } confirm && !confirm(new TextCursor(text[(at + phrase.Words.Length)..]))) continue;
            return new KernelFault(FaultClass.Host, 0, FaultText.Cut(text)) { Symptom = phrase.Symptom, Device = DeviceIn(text), Process = ProcessIn(phrase.Symptom, text) };
        }

        return null;
    }

    // mlx5_core 0000:5c:00.0: ..., nvme 0000:01:00.0: ...
    private static PciAddress? DeviceIn(ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        return cursor.TrySkipPast("mlx5_core ") ? PciAddress.Find(cursor.TakeWord().TrimEnd(':')) : null;
    }

    private static FaultProcess? ProcessIn(HostSymptom symptom, ReadOnlySpan<char> text)
    {
        var cursor = new TextCursor(text);
        switch (symptom)
        {
            case HostSymptom.OomKilled when cursor.TrySkipPast(" process ") && cursor.TryTakeNumber(out var pid):
                return new FaultProcess(pid, cursor.TrySkipPast("(") && cursor.TryTakeUntil(')', out var name) ? FaultText.Cut(name) : null);
            case HostSymptom.OomKillChosen when cursor.TrySkipPast(",task_memcg=") && cursor.TrySkipPast(",task=") && cursor.TryTakeUntil(',', out var chosen):
                return new FaultProcess(cursor.TrySkip("pid=") && cursor.TryTakeNumber(out var victim) ? victim : null, FaultText.Cut(chosen));
            case HostSymptom.TaskBlocked when cursor.TrySkipPast("task "):
                var task = cursor.Rest[..cursor.Rest.IndexOf(" blocked for", StringComparison.Ordinal)];
                var colon = task.LastIndexOf(':');
                return new FaultProcess(int.TryParse(task[(colon + 1)..], out var id) && id >= 0 ? id : null, colon < 0 ? FaultText.Cut(task) : FaultText.Cut(task[..colon]));
            case HostSymptom.NcclSegfault:
                var crashed = text[..text.IndexOf("segfault at ", StringComparison.Ordinal)].TrimEnd(": ");
                var open = crashed.LastIndexOf('[');
                return open > 0 && crashed.EndsWith(']') && int.TryParse(crashed[(open + 1)..^1], out var dead) && dead >= 0
                    ? new FaultProcess(dead, FaultText.Cut(crashed[(crashed[..open].LastIndexOf(' ') + 1)..open]))
                    : null;
            default:
                return null;
        }
    }

    private static string Kebab(HostSymptom symptom) =>
        string.Concat(symptom.ToString().Select((letter, index) => char.IsUpper(letter) && index > 0 ? $"-{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
