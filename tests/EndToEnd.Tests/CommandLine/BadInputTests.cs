using System.Net;
using System.Net.Sockets;

namespace TrainMover.EndToEnd.Tests.CommandLine;

/// <summary>Whatever is asked for wrongly, and whatever is away, gets one line that says what to do, and no stack trace.</summary>
public sealed class BadInputTests : IDisposable
{
    private static readonly Dictionary<string, string> Nothing = [];
    private readonly string _home = Directory.CreateTempSubdirectory("trainmover-cli-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("\"nonsense\" is not understood", "nonsense")]
    [InlineData("Option '--kind' is required", "inject", "--machine", "m0")]
    [InlineData("'2M' not recognized. Must be one of: '1M' '10M' '50M' 'machines': ./trainmover bench flatness --help tells what is understood.", "bench", "flatness", "--only", "2M")]
    [InlineData("'explode' not recognized", "inject", "--machine", "m0", "--kind", "explode")]
    [InlineData("start one with ./trainmover up", "inject", "--machine", "m0", "--kind", "manual")]
    [InlineData("start one with ./trainmover up", "inject", "--machine", "m0", "--kind", "slow")]
    [InlineData("is missing", "train-detector", "--machine-class", "gpu", "--data", "absent.csv", "--out", "models")]
    [InlineData("begins with a letter or a digit", "train-detector", "--machine-class", "a/b", "--data", "absent.csv", "--out", "models")]
    [InlineData("start one with ./trainmover up", "events")]
    [InlineData("start one with ./trainmover up", "migrations")]
    [InlineData("start one with ./trainmover up", "replay", "job-g2")]
    [InlineData("start one with ./trainmover up", "verify")]
    [InlineData("start one with ./trainmover up", "status")]
    [InlineData("is no time: write 2026-01-31T12:00:00Z", "replay", "job-g2", "--at", "yesterday")]
    [InlineData("give one of them", "replay", "job-g2", "--at", "10m", "--version", "3")]
    [InlineData("does not exist: docs/job.yaml is an example", "submit", "absent.yaml")]
    [InlineData("--steps goes from 80", "demo", "--steps", "3")]
    [InlineData("give the path of a text file", "demo", "--data", "absent.txt")]
    [InlineData("create it, or choose another file for --report", "demo", "--report", "/absent/folder/report.json")]
    [InlineData("--machines goes from 1 to 32", "up", "--machines", "0")]
    [InlineData("is no schema name", "up", "--schema", "No Schema")]
    [InlineData("Required argument missing for option: '--json'", "bench", "restart", "--json")]
    public async Task What_is_asked_for_wrongly_is_said_in_one_line_with_exit_code_2(string said, params string[] arguments) =>
        Told(await CommandLineProcess.RunAsync(_home, Nothing, arguments), 2, said);

    [Theory]
    [InlineData("line 2", "id: x\nsteps: [1")]
    [InlineData("docs/job.yaml explains the fields", "nosuchfield: 1")]
    [InlineData("layout needs 2 machines or more", "layout: { dp: 1 }")]
    [InlineData("a multiple of model.heads", "model: { width: 10, heads: 3 }")]
    [InlineData("is empty", "")]
    public async Task A_job_file_that_does_not_work_is_told_by_its_field(string said, string yaml)
    {
        var file = Path.Combine(_home, "job.yaml");
        await File.WriteAllTextAsync(file, yaml);
        Told(await CommandLineProcess.RunAsync(_home, Nothing, "submit", file), 2, said);
    }

    [Fact]
    public async Task A_database_that_is_down_is_told_with_its_address()
    {
        var connection = $"Host=127.0.0.1;Port={FreePort()};Username=postgres;Database=postgres";
        foreach (var verb in (string[])["events", "migrations", "verify", "status"])
            Told(await CommandLineProcess.RunAsync(_home, new Dictionary<string, string> { ["TRAINMOVER_POSTGRES"] = connection }, verb), 1, "does not answer");
    }

    [Fact]
    public async Task A_connection_string_that_is_none_is_told_with_an_example() =>
        Told(await CommandLineProcess.RunAsync(_home, new Dictionary<string, string> { ["TRAINMOVER_POSTGRES"] = "garbage" }, "events"), 2, "write Host=127.0.0.1");

    [Fact]
    public async Task A_port_that_is_taken_stops_the_start_and_leaves_nothing_behind()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var environment = new Dictionary<string, string> { ["TRAINMOVER_POSTGRES"] = "Host=127.0.0.1;Port=1;Username=postgres;Database=postgres" };
        Told(await CommandLineProcess.RunAsync(_home, environment, "up", "--kafka-port", $"{port}"), 1, $"Port {port} is taken");
        (await CommandLineProcess.RunAsync(_home, Nothing, "down")).Output.Trim().ShouldBe("Nothing was running.");
    }

    private static void Told((int ExitCode, string Output, string Error) result, int exitCode, string said)
    {
        // What a deployment tells of its progress stands before the verdict.
        var lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("trainmover: starting", StringComparison.Ordinal)).ToList();
        lines.Count.ShouldBe(1, result.Error);
        lines[0].ShouldStartWith("trainmover: ");
        lines[0].ShouldContain(said);
        result.Error.ShouldNotContain("   at ");
        result.Output.ShouldBe("");
        result.ExitCode.ShouldBe(exitCode);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
