using System.Diagnostics;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class CrashTests(PostgresFixture postgres) : LogTest(postgres)
{
    private const string SchemaVariable = "TRAINMOVER_TEST_SCHEMA";
    private const int KilledBySigKill = 137;

    [Theory]
    [InlineData(CrashPoints.BeforeCommit, 0)]
    [InlineData(CrashPoints.AfterCommit, 1)]
    public async Task A_process_killed_around_its_commit_leaves_the_effect_and_the_mark_or_neither(string point, int events)
    {
        var order = Path.Combine(Path.GetTempPath(), $"{Schema}.crash");
        await File.WriteAllTextAsync(order, $"executor {LedgerEvents.Opened} {point}\n", Ct);

        (await RunVictimAsync(order)).ShouldBe(KilledBySigKill);

        File.Exists(order).ShouldBeFalse();
        (await Log.ReadStreamAsync("job-1", ct: Ct)).Count.ShouldBe(events);
        (await Log.IsProcessedAsync(new("executor", "/planner", "m-1"), Ct)).ShouldBe(events == 1);
        var again = await Log.AppendAsync(
            [new StreamAppend("job-1", 0, [LedgerEvents.Open()])], Tester with { Processed = new("executor", "/planner", "m-1") }, Ct);
        again.AlreadyProcessed.ShouldBe(events == 1);
        (await Log.ReadStreamAsync("job-1", ct: Ct)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_order_for_another_service_kills_nobody()
    {
        var order = Path.Combine(Path.GetTempPath(), $"{Schema}.crash");
        await File.WriteAllTextAsync(order, $"planner {LedgerEvents.Opened} {CrashPoints.BeforeCommit}", Ct);

        (await RunVictimAsync(order)).ShouldBe(0);

        File.Exists(order).ShouldBeTrue();
        File.Delete(order);
    }

    // The other process: runs only when a test above starts it.
    [Fact(Explicit = true)]
    public async Task Victim()
    {
        await using var database = new LogDatabase(
            ConnectionString, new EventLogOptions { Schema = Environment.GetEnvironmentVariable(SchemaVariable)!, Events = LedgerEvents.All });
        var context = Tester with { Processed = new("executor", "/planner", "m-1") };
        await new MartenEventLog(database).AppendAsync([new StreamAppend("job-1", 0, [LedgerEvents.Open()])], context, Ct);
    }

    private async Task<int> RunVictimAsync(string order)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(CrashTests).Assembly.Location);
        foreach (var argument in new[] { "--explicit", "only", "--filter-method", $"{typeof(CrashTests).FullName}.{nameof(Victim)}" })
            start.ArgumentList.Add(argument);
        start.Environment["TRAINMOVER_CRASH_FILE"] = order;
        start.Environment["TRAINMOVER_SERVICE"] = "executor";
        start.Environment["TRAINMOVER_POSTGRES"] = ConnectionString;
        start.Environment[SchemaVariable] = Schema;
        using var victim = Process.Start(start)!;
        var output = victim.StandardOutput.ReadToEndAsync(Ct);
        var errors = victim.StandardError.ReadToEndAsync(Ct);
        await victim.WaitForExitAsync(Ct);
        TestContext.Current.SendDiagnosticMessage(await output + await errors);
        return victim.ExitCode;
    }
}
