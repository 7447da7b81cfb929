using System.IO.Compression;

namespace TrainMover.Detector.Ingest;

/// <summary>Reads bodies of requests, compressed or not, up to a greatest length.</summary>
internal static class BoundedBody
{
    public const int MostBytes = 4 * 1024 * 1024;

    /// <summary>The body; null where it is longer than allowed.</summary>
    /// <exception cref="InvalidDataException">It is said to be compressed, and is not.</exception>
    public static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        await using var body = request.Headers.ContentEncoding.ToString() == "gzip" ? new GZipStream(request.Body, CompressionMode.Decompress) : request.Body;
        using var whole = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, ct) is > 0 and var read)
        {
            if (whole.Length + read > MostBytes) return null;
            whole.Write(buffer, 0, read);
        }

        return whole.ToArray();
    }
}
