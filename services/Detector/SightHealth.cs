using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TrainMover.Detector;

/// <summary>Names the sources that see nothing now. The service is well all the same.</summary>
internal sealed class SightHealth(DetectorFacts facts) : IHealthCheck
{
    public const string Name = "sources";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var blind = facts.Blind().OrderBy(sight => sight.MachineId, StringComparer.Ordinal).ThenBy(sight => sight.Source, StringComparer.Ordinal).ToDictionary(sight => $"{sight.Source} of {sight.MachineId}", sight => (object)sight.Reason, StringComparer.Ordinal);
        return Task.FromResult(HealthCheckResult.Healthy(blind.Count == 0 ? "none is blind" : $"{blind.Count} blind: {string.Join(", ", blind.Keys)}", blind));
    }
}
