using System.Diagnostics;
using System.Text.Json;

namespace TrainMover.Embedded;

/// <summary>What a process says of itself on <c>GET /health</c>.</summary>
/// <param name="Status">Overall status as the process words it.</param>
/// <param name="Healthy">Whether it answered with a success code.</param>
/// <param name="Checks">Its single checks as JSON; undefined when it gave none.</param>
public sealed record ServiceHealth(string Status, bool Healthy, JsonElement Checks);

/// <summary>Asks processes of a run folder for their health; their addresses lie there as <c>NAME.url</c>.</summary>
public sealed class HealthProbe : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly string _runDirectory;

    /// <summary>Looks for addresses in a run folder.</summary>
    /// <param name="runDirectory">The folder.</param>
    public HealthProbe(string runDirectory) => _runDirectory = runDirectory;

    /// <summary>The health of a process; null when it has no address or does not answer within 2 s.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="ct">Ends the question.</param>
    public async Task<ServiceHealth?> AskAsync(string name, CancellationToken ct = default)
    {
        try
        {
            var url = (await File.ReadAllTextAsync(UrlFile(name), ct)).Trim();
            using var response = await _http.GetAsync(new Uri(new Uri(url), "/health"), ct);
            await using var body = await response.Content.ReadAsStreamAsync(ct);
            using var document = await JsonDocument.ParseAsync(body, cancellationToken: ct);
            var status = document.RootElement.TryGetProperty("status", out var text) ? text.ToString() : "unknown";
            var checks = document.RootElement.TryGetProperty("checks", out var found) ? found.Clone() : default;
            return new ServiceHealth(status, response.IsSuccessStatusCode, checks);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or JsonException or UriFormatException
            || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;
        }
    }

    internal string UrlFile(string name) => Path.Combine(_runDirectory, $"{name}.url");

    internal async Task WaitUntilHealthyAsync(ServiceProcess process, TimeSpan timeout, CancellationToken ct)
    {
        if (process.Name == Deployment.Broker) return;
        ServiceHealth? last = null;
        await WaitAsync(process, timeout, async () => (last = await AskAsync(process.Name, ct))?.Healthy == true, () => last is null ? "did not answer" : $"said \"{last.Status}\" {last.Checks}", ct);
    }

    internal static async Task<string> WaitForFileAsync(ServiceProcess process, string file, TimeSpan timeout, CancellationToken ct)
    {
        await WaitAsync(process, timeout, () => Task.FromResult(File.Exists(file)), () => $"did not write {file}", ct);
        return (await File.ReadAllTextAsync(file, ct)).Trim();
    }

    private static async Task WaitAsync(ServiceProcess process, TimeSpan timeout, Func<Task<bool>> done, Func<string> state, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await done())
        {
            if (!process.Identity.IsAlive()) throw new DeploymentException($"{process.Name} ended while it started ({process.LogTail()}): see {process.LogFile}.");
            if (Stopwatch.GetElapsedTime(started) > timeout)
                throw new DeploymentException($"{process.Name} {state()} within {timeout.TotalSeconds:0} s ({process.LogTail()}): see {process.LogFile}.");
            await Task.Delay(Interval, ct);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
