namespace TrainMover.Embedded;

/// <summary>Runs an <see cref="EmbeddedBroker"/> as the whole purpose of a process, so that it can be stopped and killed like a real one.</summary>
public static class BrokerHost
{
    /// <summary>Starts the broker, writes its address to a file (whole or not at all), and serves until cancelled.</summary>
    /// <param name="addressFile">File that receives <c>127.0.0.1:port</c>; removed at an orderly end.</param>
    /// <param name="port">Port wanted, or null for a free one.</param>
    /// <param name="cancellationToken">Ends the broker.</param>
    /// <exception cref="EmbeddedBrokerException">The port is taken.</exception>
    public static async Task RunAsync(string addressFile, int? port = null, CancellationToken cancellationToken = default)
    {
        using var broker = EmbeddedBroker.Start(port);
        var temporary = $"{addressFile}.{Environment.ProcessId}";
        await File.WriteAllTextAsync(temporary, broker.BootstrapServers, cancellationToken);
        File.Move(temporary, addressFile, overwrite: true);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        File.Delete(addressFile);
    }
}
