using System.Globalization;

namespace TrainMover.Collectives.Tests.Groups;

/// <summary>What the system knows of the connections between the machines of a cluster: (port of the listener, port of the dialer).</summary>
internal static class ConnectedSockets
{
    private const string Established = "01";

    public static HashSet<(int Listener, int Dialer)> Of(Cluster cluster)
    {
        var listeners = cluster.Endpoints.Select(endpoint => endpoint.Port).ToHashSet();
        return [.. File.ReadLines("/proc/self/net/tcp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[3] == Established)
            .Select(fields => (PortOf(fields[1]), PortOf(fields[2])))
            .Where(ports => listeners.Contains(ports.Item1))];
    }

    private static int PortOf(string address) => int.Parse(address[(address.IndexOf(':') + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
