using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace TrainMover.Embedded;

/// <summary>
/// A private PostgreSQL cluster run from the machine's own server programs: 127.0.0.1 on a free port, trusting local connections, its own folder.
/// As root it runs under the account <c>postgres</c>, since PostgreSQL refuses root.
/// </summary>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    private readonly ClusterDirectory _cluster;
    private readonly EmbeddedPostgresOptions _options;

    private EmbeddedPostgres(ClusterDirectory cluster, EmbeddedPostgresOptions options, int pid, int port)
    {
        (_cluster, _options, Pid, Port) = (cluster, options, pid, port);
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = port,
            Username = "postgres",
            Database = "postgres",
            Timeout = 15,
            CommandTimeout = 30,
        }.ConnectionString;
    }

    /// <summary>Npgsql connection string of database <c>postgres</c>, as superuser.</summary>
    public string ConnectionString { get; }

    /// <summary>TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Process id of the postmaster.</summary>
    public int Pid { get; }

    /// <summary>Folder of the cluster; see <see cref="Notice"/> when it is not the one that was asked for.</summary>
    public string Directory => _cluster.Root;

    /// <summary>What the server writes.</summary>
    public string LogFile => _cluster.LogFile;

    /// <summary>A sentence for the user when the cluster lies elsewhere than asked (the server's account cannot reach the wanted folder), else null.</summary>
    public string? Notice => _cluster.Notice;

    /// <summary>
    /// Starts the cluster of the folder; creates it when there is none, and hands out the running one when it already runs. A pid file left by a killed
    /// server is no obstacle.
    /// </summary>
    /// <param name="directory">Folder of the cluster; created when absent.</param>
    /// <param name="port">Port wanted, or null for a free one.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait; a server started meanwhile is stopped.</param>
    /// <exception cref="EmbeddedPostgresException">Programs absent, port taken, or not ready within <see cref="EmbeddedPostgresOptions.Timeout"/>.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(
        string directory, int? port = null, EmbeddedPostgresOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        var programs = PostgresPrograms.Find();
        var cluster = ClusterDirectory.Resolve(directory, programs);
        if (Running(cluster, options) is { } running)
            return running;
        await CreateAsync(programs, cluster, options, cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await LaunchAsync(programs, cluster, options, port ?? FreePort(), cancellationToken);
            }
            catch (PortTakenException) when (port is null && attempt < 5)
            {
                // Between choosing a free port and binding it somebody else took it.
            }
            catch (StillEndingException) when (attempt < 200)
            {
                // The processes of a killed server notice its death a moment later, and until then block a new one.
                await Task.Delay(TimeSpan.FromMilliseconds(25), cancellationToken);
            }
            catch (PortTakenException taken)
            {
                throw new EmbeddedPostgresException($"Port {taken.Port} is taken: choose another, or none for a free one.", taken);
            }
        }
    }

    /// <summary>The running cluster of the folder, or null when none runs there.</summary>
    /// <param name="directory">Folder given when it was started.</param>
    public static EmbeddedPostgres? Attach(string directory) =>
        Running(ClusterDirectory.Resolve(directory, PostgresPrograms.Find()), new EmbeddedPostgresOptions { Lifetime = PostgresLifetime.Detached });

    /// <summary>Stops the cluster of the folder; nothing happens when none runs there.</summary>
    /// <param name="directory">Folder given when it was started.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="EmbeddedPostgresException">It did not end within the timeout.</exception>
    public static Task StopAsync(string directory, CancellationToken cancellationToken = default) =>
        Attach(directory)?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Fast shutdown: open transactions are rolled back, committed data is written.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="EmbeddedPostgresException">It did not end within <see cref="EmbeddedPostgresOptions.Timeout"/>.</exception>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (PostmasterPid.Read(_cluster)?.Pid == Pid)
            PosixSignals.Send(Pid, PosixSignals.Interrupt);
        await WaitForEndAsync(cancellationToken);
        if (System.IO.Directory.Exists(_cluster.Sockets))
            System.IO.Directory.Delete(_cluster.Sockets, recursive: true);
    }

    /// <summary>Ends the server at once, as a power cut would (SIGKILL to the postmaster): for fault campaigns.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task KillAsync(CancellationToken cancellationToken = default)
    {
        if (PostmasterPid.Read(_cluster)?.Pid == Pid)
            PosixSignals.Send(Pid, PosixSignals.Kill);
        await WaitForEndAsync(cancellationToken);
    }

    /// <summary>Stops an owned cluster; a detached one goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_options.Lifetime == PostgresLifetime.Owned)
            await StopAsync(CancellationToken.None);
    }

    private async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            await process.WaitForExitAsync(cancellationToken).WaitAsync(_options.Timeout, cancellationToken);
        }
        catch (ArgumentException)
        {
            // It had ended already.
        }
        catch (TimeoutException late)
        {
            throw new EmbeddedPostgresException($"PostgreSQL (pid {Pid}) did not end within {_options.Timeout.TotalSeconds:0} s; see {LogFile}.", late);
        }
    }

    private static EmbeddedPostgres? Running(ClusterDirectory cluster, EmbeddedPostgresOptions options) =>
        PostmasterPid.Read(cluster) is { } found ? new(cluster, options, found.Pid, found.Port) : null;

    private static async Task CreateAsync(PostgresPrograms programs, ClusterDirectory cluster, EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        foreach (var folder in new[] { cluster.Root, cluster.Sockets })
        {
            System.IO.Directory.CreateDirectory(folder);
            if (programs.RunAs is not null)
                await RequireAsync("chown", [$"{programs.RunAs}:", folder], options, cancellationToken);
        }
        if (cluster.IsInitialised)
            return;
        string[] arguments = ["-D", cluster.Data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync"];
        var command = programs.Command(programs.InitDb, diesWithParent: true, arguments);
        await RequireAsync(command[0], command.Skip(1), options, cancellationToken);
    }

    private static async Task RequireAsync(string program, IEnumerable<string> arguments, EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        var (exitCode, output) = await ChildProcess.RunAsync(program, arguments, options.Timeout, cancellationToken);
        if (exitCode != 0)
            throw new EmbeddedPostgresException($"{program} failed ({exitCode}): {output.Trim()}");
    }

    private static async Task<EmbeddedPostgres> LaunchAsync(
        PostgresPrograms programs, ClusterDirectory cluster, EmbeddedPostgresOptions options, int port, CancellationToken cancellationToken)
    {
        var owned = options.Lifetime == PostgresLifetime.Owned;
        var switchOff = options.Durable ? "on" : "off";
        string[] settings =
        [
            "listen_addresses=127.0.0.1", $"port={port}", $"unix_socket_directories={cluster.Sockets}", $"max_connections={options.MaxConnections}",
            $"fsync={switchOff}", $"full_page_writes={switchOff}", "logging_collector=off", "log_destination=stderr",
        ];
        var server = programs.Command(programs.Server, diesWithParent: owned, ["-D", cluster.Data, .. settings.SelectMany(setting => new[] { "-c", setting })]);
        // The shell only redirects and then becomes the server, so the process id stays; a session of its own keeps a terminal's Ctrl-C away.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec setsid \"$@\" >>\"$0\" 2>&1 </dev/null", cluster.LogFile, .. server]) { WorkingDirectory = "/" };
        if (!OperatingSystem.IsLinux())
            start.ArgumentList[1] = "exec \"$@\" >>\"$0\" 2>&1 </dev/null";
        var process = await ChildProcess.StartAsync(start);
        var instance = new EmbeddedPostgres(cluster, options, process.Id, port);
        try
        {
            await instance.WaitUntilReadyAsync(process, cancellationToken);
            return instance;
        }
        catch when (!process.HasExited)
        {
            PosixSignals.Send(process.Id, PosixSignals.Interrupt);
            await instance.WaitForEndAsync(CancellationToken.None);
            throw;
        }
        finally
        {
            process.Dispose();
        }
    }

    private async Task WaitUntilReadyAsync(Process process, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (PostmasterPid.Read(_cluster) is not { Ready: true } ready || ready.Pid != Pid)
        {
            if (process.HasExited)
            {
                if (IsTaken(Port))
                    throw new PortTakenException(Port);
                var ending = $"PostgreSQL ended while starting: {LastLines(LogFile)}";
                throw ending.Contains("shared memory block", StringComparison.Ordinal) ? new StillEndingException(ending) : new EmbeddedPostgresException(ending);
            }
            if (Stopwatch.GetElapsedTime(started) > _options.Timeout)
                throw new EmbeddedPostgresException($"PostgreSQL was not ready within {_options.Timeout.TotalSeconds:0} s; see {LogFile}.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }
    }

    private static bool IsTaken(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static string LastLines(string file) => File.Exists(file) ? string.Join(' ', File.ReadLines(file).TakeLast(5)) : "it wrote nothing.";

    private sealed class StillEndingException(string message) : Exception(message);

    private sealed class PortTakenException(int port) : Exception
    {
        public int Port { get; } = port;
    }
}
