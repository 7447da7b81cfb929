using System.Net;
using Microsoft.Extensions.Time.Testing;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Telemetry.Tests.Prometheus;

public sealed class ScraperTests
{
    private static readonly ScrapeOptions Options = new(new Uri("http://exporter:9400/metrics"));

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task Samples_are_read() => (await ScrapeAsync("up 1\n")).Samples.ShouldHaveSingleItem().Name.ShouldBe("up");

    [Fact]
    public async Task An_answer_without_samples_an_error_and_a_body_that_is_too_long_are_failures_of_their_own()
    {
        (await FailureAsync(Answer("# nothing\n"))).ShouldBe((ScrapeFailure.NoMetrics, "http://exporter:9400/metrics answers without a single sample."));
        (await FailureAsync(Answer("x", HttpStatusCode.ServiceUnavailable))).ShouldBe((ScrapeFailure.Refused, "http://exporter:9400/metrics answers 503."));
        (await FailureAsync(Answer(new string('x', Options.MostBytes + 1)))).ShouldBe((ScrapeFailure.TooLarge, "http://exporter:9400/metrics answers with more than 4194304 bytes."));
        (await FailureAsync((_, _) => throw new HttpRequestException("connection refused"))).ShouldBe((ScrapeFailure.Unreachable, "http://exporter:9400/metrics cannot be reached: connection refused"));
    }

    [Fact]
    public async Task An_endpoint_that_hangs_is_given_up_after_the_deadline()
    {
        var failure = FailureAsync(async (_, ct) =>
        {
            var hangs = Task.Delay(Timeout.Infinite, ct);
            _clock.Advance(Options.Timeout);
            await hangs;
            throw new InvalidOperationException("It never answers.");
        });
        (await failure.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe((ScrapeFailure.TimedOut, "http://exporter:9400/metrics did not answer within 5 s."));
    }

    [Fact]
    public void Blindness_is_told_once_and_so_is_its_end()
    {
        var sight = new Sight(blindAfter: 3);
        IEnumerable<SightChange?> changes = [sight.Missed("a"), sight.Missed("b"), sight.Missed("c"), sight.Missed("d"), sight.Saw(), sight.Saw(), sight.Missed("e"), sight.Missed("f"), sight.Saw()];
        changes.Select(change => change is null ? "" : $"{change.IsBlind} {change.Reason}").ShouldBe(["", "", "True c", "", "False The source is seen again.", "", "", "", ""]);
    }

    [Theory]
    [InlineData("ftp://x/y", 10, 5, 4096, 3, "The endpoint 'ftp://x/y' is no http or https address.")]
    [InlineData("http://x", 5, 5, 4096, 3, "Interval (00:00:05) is longer than Timeout (00:00:05).")]
    [InlineData("http://x", 5, 1, 1, 3, "MostBytes is 1; it goes from 1024 to 67108864.")]
    [InlineData("http://x", 5, 1, 4096, 0, "BlindAfter is 0; it is at least 1.")]
    [InlineData("http://x", 5, 1, 4096, 1, null)]
    public void Settings_are_checked(string endpoint, int interval, int timeout, int bytes, int blindAfter, string? broken) => new ScrapeOptions(new Uri(endpoint))
    {
        Interval = TimeSpan.FromSeconds(interval),
        Timeout = TimeSpan.FromSeconds(timeout),
        MostBytes = bytes,
        BlindAfter = blindAfter,
    }.BrokenRule().ShouldBe(broken);

    private Task<PrometheusScrape> ScrapeAsync(string body) => ScrapeAsync(Answer(body));

    private async Task<PrometheusScrape> ScrapeAsync(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer)
    {
        using var client = new HttpClient(new Endpoint(answer));
        return await new PrometheusScraper(client, Options, _clock).ScrapeAsync(CancellationToken.None);
    }

    private async Task<(ScrapeFailure, string)> FailureAsync(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer)
    {
        var failure = await Should.ThrowAsync<ScrapeException>(() => ScrapeAsync(answer));
        return (failure.Failure, failure.Message);
    }

    private static Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> Answer(string body, HttpStatusCode status = HttpStatusCode.OK) =>
        (_, _) => Task.FromResult(new HttpResponseMessage(status) { Content = new StringContent(body) });

    private sealed class Endpoint(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request, cancellationToken);
    }
}
