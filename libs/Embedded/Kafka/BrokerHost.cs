using System.Diagnostics;

namespace TrainMover.Embedded;

/// <summary>Runs an <see cref="EmbeddedBroker"/> as the whole purpose of a process, so that it can be stopped and killed like a real one.</summary>
public static class BrokerHost
{
    /// <summary>Starts the broker, writes its address to a file (whole or not at all), and serves until cancelled or until the parent is gone.</summary>
    /// <param name="addressFile">File that receives <c>127.0.0.1:port</c>; removed at an orderly end.</param>
    /// <param name="port">Port wanted, or null for a free one.</param>
    /// <param name="parentPid">Process with which this one ends, or null to live on its own.</param>
    /// <param name="cancellationToken">Ends the broker.</param>
    /// <exception cref="EmbeddedBrokerException">The port is taken.</exception>
    public static async Task RunAsync(string addressFile, int? port = null, int? parentPid = null, CancellationToken cancellationToken = default)
    {
        using var broker = EmbeddedBroker.Start(port);
        var temporary = $"{addressFile}.{Environment.ProcessId}";
        await File.WriteAllTextAsync(temporary, broker.BootstrapServers, cancellationToken);
        File.Move(temporary, addressFile, overwrite: true);
        try
        {
            await EndAsync(parentPid, cancellationToken);
        }
        finally
        {
            File.Delete(addressFile);
        }
    }

    private static async Task EndAsync(int? parentPid, CancellationToken cancellationToken)
    {
        try
        {
            if (parentPid is { } pid)
            {
                using var parent = Process.GetProcessById(pid);
                await parent.WaitForExitAsync(cancellationToken);
            }
            else
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ArgumentException)
        {
            // Cancelled, or the parent had gone before we looked.
        }
    }
}
