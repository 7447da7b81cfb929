using System.Text;

namespace TrainMover.Telemetry.Prometheus;

/// <summary>Reads an endpoint in the Prometheus format, with a deadline and a greatest length.</summary>
/// <param name="client">Sends the requests; its own timeout should be infinite.</param>
/// <param name="options">Settings.</param>
/// <param name="clock">Measures the deadline.</param>
public sealed class PrometheusScraper(HttpClient client, ScrapeOptions options, TimeProvider clock)
{
    /// <summary>Reads the endpoint once.</summary>
    /// <exception cref="ScrapeException">Nobody answers, in time, with a success and a body of allowed length that holds samples.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public async Task<PrometheusScrape> ScrapeAsync(CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(options.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, options.Endpoint);
            request.Headers.Accept.ParseAdd("text/plain");
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw new ScrapeException(ScrapeFailure.Refused, $"{options.Endpoint} answers {(int)response.StatusCode}.");
            var scrape = PrometheusText.Parse(await ReadAsync(response.Content, either.Token).ConfigureAwait(false));
            return scrape.Samples.Count > 0 ? scrape : throw new ScrapeException(ScrapeFailure.NoMetrics, $"{options.Endpoint} answers without a single sample.");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ScrapeException(ScrapeFailure.TimedOut, $"{options.Endpoint} did not answer within {options.Timeout.TotalSeconds:0.###} s.");
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            throw new ScrapeException(ScrapeFailure.Unreachable, $"{options.Endpoint} cannot be reached: {broken.Message}");
        }
    }

    private async Task<string> ReadAsync(HttpContent content, CancellationToken ct)
    {
        var stream = await content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using var body = new MemoryStream();
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, ct).ConfigureAwait(false) is > 0 and var read)
            {
                if (body.Length + read > options.MostBytes) throw new ScrapeException(ScrapeFailure.TooLarge, $"{options.Endpoint} answers with more than {options.MostBytes} bytes.");
                body.Write(buffer, 0, read);
            }

            return Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
        }
    }
}
