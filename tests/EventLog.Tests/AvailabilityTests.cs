using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class AvailabilityTests(PostgresFixture postgres) : LogTest(postgres)
{
    [Fact]
    public async Task Several_services_may_start_on_an_empty_database_at_once()
    {
        var databases = Enumerable.Range(0, 6).Select(_ => Open()).ToList();

        await Task.WhenAll(databases.Select(database => database.EnsureSchemaAsync(Ct)));

        var results = await Task.WhenAll(databases.Select((database, number) =>
            new MartenEventLog(database).AppendAsync([new StreamAppend($"job-{number}", 0, [LedgerEvents.Open()])], Tester, Ct)));
        results.SelectMany(result => result.Events).Select(one => one.Sequence).Order().ShouldBe([1L, 2L, 3L, 4L, 5L, 6L]);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_named_with_advice()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        var log = new MartenEventLog(Open(connectionString: $"Host=127.0.0.1;Port={port};Username=nobody;Database=none"));

        var unavailable = await Should.ThrowAsync<EventLogUnavailableException>(() => log.ReadStreamAsync("job-1", ct: Ct));

        unavailable.Endpoint.ShouldBe($"127.0.0.1:{port}");
        unavailable.Message.ShouldContain("start it with './trainmover up'");
    }

    [Fact]
    public async Task A_service_gets_log_publisher_and_anchors_from_one_registration()
    {
        var topic = new RecordingPublisher();
        var file = Path.Combine(Path.GetTempPath(), $"{Schema}.jsonl");
        using var host = new HostBuilder().ConfigureServices(services =>
        {
            services.AddSingleton<IEventPublisher>(topic);
            services.AddEventLog(ConnectionString, options =>
            {
                options.Schema = Schema;
                options.Events = LedgerEvents.All;
                options.Publish("host", LedgerEvents.All.Keys).Anchor(file);
            });
        }).Build();
        await host.StartAsync(Ct);
        await host.Services.GetRequiredService<IEventLog>().AppendAsync([new StreamAppend("job-1", 0, [LedgerEvents.Open()])], Tester, Ct);
        await topic.UntilPublishedAsync(1);
        await host.StopAsync(Ct);

        var report = await host.Services.GetRequiredService<IntegrityVerifier>().VerifyAsync(Ct);

        (report.EventsChecked, report.Anchored, report.First).ShouldBe((1L, 1L, null));
        File.ReadAllLines(file).Length.ShouldBe(1);
        File.Delete(file);
    }

    [Theory]
    [InlineData("Bad-Name", "schema 'Bad-Name'")]
    [InlineData("", "schema ''")]
    public void A_broken_option_is_named(string schema, string named) =>
        Should.Throw<InvalidOperationException>(() => Open(options => options.Schema = schema)).Message.ShouldContain(named);
}
