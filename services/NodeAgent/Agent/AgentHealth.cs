namespace TrainMover.Agent;

/// <summary>Body of the health page.</summary>
internal sealed record AgentHealth(string Status, IReadOnlyDictionary<string, string> Checks)
{
    public static AgentHealth Of(WorkerView view, Outgoing outgoing)
    {
        var worker = view.Status;
        var healthy = worker is not null && outgoing.Trouble is null;
        return new AgentHealth(
            healthy ? "healthy" : "unhealthy",
            new Dictionary<string, string>
            {
                ["worker"] = worker is null ? "no worker is connected" : $"process {worker.Pid}, {worker.Phase} at last sight",
                ["broker"] = outgoing.Trouble ?? "ok",
                ["reports"] = $"{outgoing.Waiting} waiting",
            });
    }
}
