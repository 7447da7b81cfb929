using System.Globalization;
using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Story;

/// <summary>Says in one plain sentence what an event means.</summary>
internal static class EventText
{
    public static string Of(object data) => data switch
    {
        InterruptionRaised e => $"{Wire(e.Kind)} interruption of {Join(e.Machines)}: {e.Reason}",
        InterruptionHeld e => $"may be an interruption of {Join(e.Finding.Machines)}: {e.Finding.Reason} ({e.Reason.TrimEnd('.')})",
        InterruptionSuppressed e => $"would be an interruption of {Join(e.Finding.Machines)}: {e.Finding.Reason} ({e.Reason.TrimEnd('.')})",
        InterruptionResolved e => $"answered by migration {e.MigrationId}",
        InterruptionRecovered e => $"recovered: {e.Reason}",
        DetectorTuned e => $"{e.Detector}: {Named(e.Mode)}, version {e.Version} ({Join(e.Settings.Select(setting => $"{setting.Name}={setting.Value}"))}), by {e.Who}: {e.Why}",
        MachineRegistered e => $"{e.MachineId} is a {Wire(e.Role)} machine; its worker listens on {e.Host}:{e.Port}",
        MachineWorkerLost e => $"{e.MachineId} has no worker (process {e.Pid}): {e.Reason}",
        MachineAssigned e => $"{e.MachineId} holds {Ranks(e.Ranks)} of job {e.JobId} from generation {e.Generation} on",
        MachineReserved e => $"{e.MachineId} is reserved as joiner of {e.MigrationId}",
        MachineReleased e => $"{e.MachineId} is free: {e.Reason}",
        MachineQuarantined e => $"{e.MachineId} is not to be chosen{(e.Until is { } until ? $" until {until:HH:mm:ss}" : "")}: {e.Reason}",
        ServiceStarted e => $"{e.Service} {e.Version} started as process {e.Pid}",
        ServiceReady e => $"{e.Service} is ready after {e.AfterMs:0} ms: it rehearsed {e.Messages} messages and a migration of {e.Orders} orders",
        JobSubmitted e => $"job {e.Spec.JobId}: {e.Spec.Steps} steps on {e.Spec.Layout.Ranks} ranks",
        JobStarted e => $"job {e.JobId} starts on {Join(e.Topology.Machines)}",
        StandbyAssigned e => $"{e.MachineId} is the standby of job {e.JobId}",
        StandbyReady e => $"standby {e.MachineId} proved itself by a shadow iteration of {e.ShadowMs:0} ms",
        StandbyRejected e => $"standby {e.MachineId} cannot be trusted: {e.Reason}",
        StandbyArmed e => $"{e.MachineId} is armed: members of generation {e.From} and it hold a plan for the loss of each machine (generations {e.GenerationWithout(0)} to {e.LastGeneration})",
        StandbyCaughtUp e => $"{e.MachineId} follows {e.Followed} and is a replica of it: whichever machine with the same part of the model is lost beside it, no state has to be copied",
        JobMigrationOpened e => $"migration {e.MigrationId} holds job {e.JobId} (generation {e.Generation})",
        JobMigrationClosed e => $"migration {e.MigrationId} {Wire(e.Outcome)}; job {e.JobId} is on {Join(e.Topology.Machines)}",
        JobRankFinished e => $"rank {e.Digest.Rank} on {e.Digest.MachineId} finished {e.Steps} steps",
        JobCompleted e => $"job {e.JobId} completed {e.Steps} steps",
        MigrationPlanned e => $"{Join(e.Plan.Moves.Select(move => $"{move.Leaver} -> {move.Joiner} ({Ranks(move.Ranks)})"))}: {e.Plan.Reason}",
        PreparationStarted e => $"{Join(e.Participants)} prepare",
        ParticipantReady e => $"{e.MachineId} is ready after {e.PrepareMs:0} ms{Shadow(e.Shadow)}; delta plan {e.PlanDigest[..Math.Min(12, e.PlanDigest.Length)]}",
        SwitchOrdered e => $"all are ready with delta plan {e.PlanDigest[..Math.Min(12, e.PlanDigest.Length)]}: switch",
        SwitchAgreed e => $"all agreed to switch after {e.BoundaryStep} steps (first word from {e.MachineId})",
        ParticipantSwitched e => $"{e.Switch.MachineId} trains on: stopped for {Ms(e.Switch.ResumedMonotonicNs - e.Switch.StoppedMonotonicNs):0.0} ms, {Bytes(e.Switch.StateBytes)} of state received",
        MigrationCompleted e => $"completed: pause {e.PauseMs:0.0} ms, {e.LostSteps} steps lost",
        MigrationEscalated e => $"the leaver died half-way (interruption {e.InterruptionId}): goes on as unexpected",
        AbortOrdered e => $"abort ordered while {Wire(e.Phase)}: {e.Reason}",
        MigrationAborted e => $"aborted while {Wire(e.Phase)}: {e.Reason}",
        MigrationSuperseded e => $"superseded: {e.Reason}",
        OrderRefused e => $"{e.MachineId} refused {e.Order}: {e.Reason}",
        _ => "an event of a type that this version does not know",
    };

    /// <summary>Name of a type without prefix and version, for tables.</summary>
    public static string ShortType(string type)
    {
        var name = type.StartsWith("trainmover.", StringComparison.Ordinal) ? type["trainmover.".Length..] : type;
        return name.LastIndexOf(".v", StringComparison.Ordinal) is var version and > 0 ? name[..version] : name;
    }

    public static string Bytes(long bytes) => bytes < 10_000 ? $"{bytes} B" : $"{bytes / 1e6:0.0} MB";

    public static double Ms(long nanoseconds) => nanoseconds / 1e6;

    public static string Wire<TEnum>(TEnum value) where TEnum : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Shadow(ShadowOutcome? shadow) =>
        shadow is null ? "" : shadow.Good ? $" (shadow iteration of {shadow.Ms:0} ms is bit-equal to the record)" : $" (shadow iteration failed: {shadow.Reason})";

    /// <summary>For example <c>rank 3</c> or <c>ranks 2, 3</c>.</summary>
    public static string Ranks(IReadOnlyList<int> ranks) => $"{(ranks.Count == 1 ? "rank" : "ranks")} {Join(ranks.Select(rank => rank.ToString(CultureInfo.InvariantCulture)))}";

    /// <summary>A value as events name it.</summary>
    public static string Named<TEnum>(TEnum value)
        where TEnum : struct, Enum => JsonSerializer.SerializeToElement(value, Catalog.Json).GetString()!;

    private static string Join(IEnumerable<string> texts) => string.Join(", ", texts);
}
