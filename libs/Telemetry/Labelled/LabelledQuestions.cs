using TrainMover.Telemetry.Faults;

namespace TrainMover.Telemetry.Labelled;

/// <summary>The questions of the labelled lines, each answered in the words of its labels from what the decoder found.</summary>
internal static class LabelledQuestions
{
    private static readonly Dictionary<string, HostSymptom> Symptoms = new(StringComparer.OrdinalIgnoreCase)
    {
        ["PCIPowerInsufficient"] = HostSymptom.PciePowerInsufficient,
        ["AccessRegFailed"] = HostSymptom.AdapterRegisterFailed,
        ["NCCLSegfaultInLibnccl"] = HostSymptom.NcclSegfault,
        ["BlockedTooLong"] = HostSymptom.TaskBlocked,
        ["VFSFileMaxLimitReached"] = HostSymptom.FileLimitReached,
        ["OOM"] = HostSymptom.OomKilled,
        ["OOMCgroup"] = HostSymptom.OomKilled,
        ["OOMKiller"] = HostSymptom.OutOfMemory,
        ["OOMKillConstraint"] = HostSymptom.OomKillChosen,
        ["EDACCorrectableErrors"] = HostSymptom.MemoryErrorCorrected,
    };

    public static string Answer(string component, string question, string line, string expected, KernelFault? fault) => question switch
    {
        "line" => fault is { IsStated: true, Class: not FaultClass.Host } ? $"{fault.Code} {fault.Device}" : "",
        "TestMatch" when component.EndsWith("xid", StringComparison.Ordinal) => YesNo(fault is null or { Class: FaultClass.Host }),
        "TestMatch" => Named("event", expected, fault),
        "TestNormalizePCIBDF" => PciAddress.TryParse(line, out var address) ? $"PCI:{address.WithoutFunction}" : "",
        "TestGetContainerName" => YesNo(fault is { Symptom: HostSymptom.OomKillChosen, Process.Pid: not null }),
        "TestGetProcessNamePid" => YesNo(fault?.Symptom == HostSymptom.OomKilled),
        "TestCheckIfStartOfOomMessages" => YesNo(fault?.Symptom == HostSymptom.OutOfMemory),
        "TestKernelPanicHelperFunctions" => YesNo(fault?.Symptom is HostSymptom.KernelPanic or HostSymptom.StackTrace),
        _ when question.EndsWith("DeviceUUID", StringComparison.Ordinal) => fault?.Device is { } device ? $"{(expected.StartsWith("PCI:", StringComparison.Ordinal) ? "PCI:" : "")}{device}" : "",
        _ when question.StartsWith("TestExtract", StringComparison.Ordinal) => fault is { IsStated: true } ? $"{fault.Number}" : "0",
        _ when question.StartsWith("TestHas", StringComparison.Ordinal) => YesNo(fault?.Symptom is { } symptom && symptom == SymptomOf(question["TestHas".Length..])),
        _ when question.EndsWith("Message", StringComparison.Ordinal) => Named("message", expected, fault),
        _ => YesNo(fault is not null),
    };

    // The label names the event after a constant: eventNVMeTimeout, eventNameVFSFileMaxLimitReached.
    private static string Named(string prefix, string expected, KernelFault? fault)
    {
        if (fault?.Symptom is not { } symptom) return "";
        var name = expected.StartsWith(prefix, StringComparison.Ordinal) ? expected[prefix.Length..] : "";
        if (name.StartsWith("Name", StringComparison.Ordinal)) name = name["Name".Length..];
        return SymptomOf(name) == symptom ? expected : $"{prefix}{symptom}";
    }

    private static HostSymptom? SymptomOf(string name) =>
        Symptoms.TryGetValue(name, out var symptom) || Enum.TryParse(name, ignoreCase: true, out symptom) ? symptom : null;

    private static string YesNo(bool yes) => yes ? "true" : "false";
}
