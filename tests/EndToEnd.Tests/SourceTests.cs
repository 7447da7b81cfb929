using System.Net;
using System.Text;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>From a line in a kernel log, and from metrics over HTTP, to an interruption that says why.</summary>
public sealed class SourceTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_line_in_a_kernel_log_and_metrics_over_http_become_interruptions_with_evidence_and_bad_requests_are_refused()
    {
        var folder = Directory.CreateTempSubdirectory("trainmover-kernel-logs-").FullName;
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 0), environment: new Dictionary<string, string> { ["TRAINMOVER_KERNEL_LOG"] = Path.Combine(folder, "{machine}.log") });
        foreach (var machine in cluster.Deployment.Environment.Machines)
            await cluster.WaitForAsync<MachineRegistered>($"{machine.Id} to be registered", registered => registered.MachineId == machine.Id);

        await File.AppendAllTextAsync(Path.Combine(folder, "m1.log"), "[12.5] usb 1-1: new device\n[13.5] NVRM: Xid (PCI:0000:05:00): 79, pid=1234, name=python3, GPU has fallen off the bus.\n");
        var (_, raised) = await cluster.WaitForAsync<InterruptionRaised>("the interruption of m1", one => one.Machines.Contains("m1"));
        (raised.Cause, raised.Kind, raised.Severity, raised.Detector).ShouldBe((InterruptionCause.ErrorCode, InterruptionKind.Expected, Severity.Replace, "error-codes-1"));
        raised.Reason.ShouldBe("m1 (0000:05:00) reported xid-79: the device does not answer on its bus any more, and only a restart of the node brings it back (GPU has fallen off the bus.).");
        var evidence = raised.Evidence.ShouldHaveSingleItem();
        evidence.Source.ShouldContain("agent-m1");
        evidence.Observation.ShouldContain("xid-79 at ");

        using var http = new HttpClient { BaseAddress = new Uri(await File.ReadAllTextAsync(Path.Combine(cluster.Deployment.Environment.RunDirectory, "detector.url"))) };
        (await PostAsync(http, "/v1/metrics", Export("m2", 0), "application/json")).ShouldBe((HttpStatusCode.OK, "{}"));
        (await PostAsync(http, "/v1/metrics", Export("m2", 1), "application/json")).ShouldBe((HttpStatusCode.OK, "{}"));
        var (_, memory) = await cluster.WaitForAsync<InterruptionRaised>("the interruption of m2", one => one.Machines.Contains("m2"));
        (memory.Cause, memory.Severity, memory.Detector).ShouldBe((InterruptionCause.MemoryError, Severity.Replace, "devices-1"));
        memory.Reason.ShouldBe("Of GPU-1 of m2 1 memory errors could not be corrected.");
        memory.Evidence.Count.ShouldBe(2);

        (await PostAsync(http, "/v1/metrics", "{}", "application/json")).ShouldBe((HttpStatusCode.BadRequest, """{"error":"The body is no export of metrics in JSON: 'resourceMetrics' is missing."}"""));
        (await PostAsync(http, "/v1/metrics", "\u0001", "application/x-protobuf")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await PostAsync(http, "/v1/metrics", Export("", 1), "application/json")).Body.ShouldContain("names no machine");
        (await PostAsync(http, "/v1/metrics", "x", "text/plain")).Status.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        (await PostAsync(http, "/v1/metrics", new string(' ', (4 * 1024 * 1024) + 1), "application/json")).Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await PostAsync(http, "/v1/telemetry", "garbage", "application/json")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await PostAsync(http, "/v1/telemetry", CloudEvent("trainmover.interruption.recovered.v1", """{"interruptionId":"i","reason":"r"}"""), "application/json")).Body
            .ShouldContain("trainmover.interruption.recovered.v1 is no telemetry");
        (await PostAsync(http, "/v1/telemetry", CloudEvent("trainmover.telemetry.fault-reported.v1", """{"machineId":"m0","code":"xid-95"}"""), "application/cloudevents+json")).Status.ShouldBe(HttpStatusCode.Accepted);
        var (_, reported) = await cluster.WaitForAsync<InterruptionRaised>("the interruption of m0", one => one.Machines.Contains("m0"));
        reported.Evidence.ShouldHaveSingleItem().Source.ShouldBe("/health-check");
        Directory.Delete(folder, recursive: true);
    }

    private static string Export(string machine, int errors) =>
        $$$"""{"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"{{{machine}}}"}}]},"scopeMetrics":[{"metrics":[{"name":"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL","sum":{"dataPoints":[{"attributes":[{"key":"UUID","value":{"stringValue":"GPU-1"}}],"timeUnixNano":"174032785{{{errors}}}000000000","asInt":"{{{errors}}}"}]}}]}]}]}""";

    private static string CloudEvent(string type, string data) =>
        $$"""{"specversion":"1.0","id":"1","source":"/health-check","type":"{{type}}","datacontenttype":"application/json","data":{{data}}}""";

    private static async Task<(HttpStatusCode Status, string Body)> PostAsync(HttpClient http, string path, string body, string type)
    {
        using var content = new StringContent(body, Encoding.UTF8, type);
        using var response = await http.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
