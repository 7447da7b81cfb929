using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Fleet;

/// <summary>What a machine is kept for while it holds no rank.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MachineRole>))]
public enum MachineRole
{
    /// <summary>Takes ranks when a job starts.</summary>
    [JsonStringEnumMemberName("training")] Training,

    /// <summary>General standby: pre-warmed, waits for an unexpected failure (paper, general standby).</summary>
    [JsonStringEnumMemberName("standby")] Standby,

    /// <summary>Not pre-warmed; joiner of an expected interruption, or the fallback when no standby is left.</summary>
    [JsonStringEnumMemberName("elastic")] Elastic,
}

/// <summary>A machine's agent announced it for the first time, or its worker listens elsewhere now.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Role">What it is kept for.</param>
/// <param name="Host">Address of the worker's data-plane listener.</param>
/// <param name="Port">Port of that listener.</param>
/// <param name="Behind">What the machine shares with others, and fails with: the name of a switch or of a rack, where the agent knows it.</param>
[EventType("trainmover.machine.registered.v1", Topics.Fleet)]
public sealed record MachineRegistered(string MachineId, MachineRole Role, string Host, int Port, string? Behind = null);

/// <summary>The worker of a machine that holds no rank is gone: the machine is not to be chosen until it is registered with the next one.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Pid">Process id of the worker.</param>
/// <param name="Reason">How it ended, in one plain sentence.</param>
[EventType("trainmover.machine.worker-lost.v1", Topics.Fleet)]
public sealed record MachineWorkerLost(string MachineId, int Pid, string Reason);

/// <summary>A machine was given ranks of a job, one per device.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="JobId">The job.</param>
/// <param name="Ranks">The ranks, ascending.</param>
/// <param name="Generation">Generation of the job from which on it holds.</param>
[EventType("trainmover.machine.assigned.v1", Topics.Fleet)]
public sealed record MachineAssigned(string MachineId, string JobId, IReadOnlyList<int> Ranks, int Generation);

/// <summary>A plan reserved the machine as joiner; no other plan may have it.</summary>
/// <param name="MachineId">The joiner.</param>
/// <param name="MigrationId">The plan.</param>
[EventType("trainmover.machine.reserved.v1", Topics.Fleet)]
public sealed record MachineReserved(string MachineId, string MigrationId);

/// <summary>The machine holds no rank and no reservation any more, and may be chosen again.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Reason">Why it was let go.</param>
[EventType("trainmover.machine.released.v1", Topics.Fleet)]
public sealed record MachineReleased(string MachineId, string Reason);

/// <summary>The machine is not to be chosen: it failed, or is under maintenance.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Reason">Why.</param>
/// <param name="Until">When it may be chosen again, once its agent announces an idle worker; absent: not before an operator says so.</param>
[EventType("trainmover.machine.quarantined.v1", Topics.Fleet)]
public sealed record MachineQuarantined(string MachineId, string Reason, DateTimeOffset? Until = null);

/// <summary>A service of the control plane started; what it decides from here on, it decides by this build.</summary>
/// <param name="Service">The service, for example <c>planner</c>.</param>
/// <param name="InstanceId">Id of this start, which has a stream of its own.</param>
/// <param name="Version">Version of the build, with the commit where it is known.</param>
/// <param name="Pid">Process id.</param>
[EventType("trainmover.service.started.v1", Topics.Fleet)]
public sealed record ServiceStarted(string Service, string InstanceId, string Version, int Pid);

/// <summary>A service that started has rehearsed: from here on no fact is the first of its kind.</summary>
/// <param name="Service">The service.</param>
/// <param name="InstanceId">Id of its start.</param>
/// <param name="Messages">Number of messages that it wrote and read.</param>
/// <param name="Orders">Number of orders that its rehearsed migration called for.</param>
/// <param name="AfterMs">Milliseconds since its start was recorded.</param>
[EventType("trainmover.service.ready.v1", Topics.Fleet)]
public sealed record ServiceReady(string Service, string InstanceId, int Messages, int Orders, double AfterMs);
