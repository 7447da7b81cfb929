namespace TrainMover.Embedded;

/// <summary>The server programs of this machine and the account they run as: PostgreSQL refuses to run as root.</summary>
internal sealed record PostgresPrograms(string InitDb, string Server, string? RunAs)
{
    private const string Account = "postgres";
    private const string Advice = "PostgreSQL's server programs are not on this machine: install them (Debian, Ubuntu: apt-get install postgresql), or set TRAINMOVER_POSTGRES to a running server.";

    /// <exception cref="EmbeddedPostgresException">The programs, or the account to run them with, are absent.</exception>
    public static PostgresPrograms Find()
    {
        var folder = Candidates().FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")))
            ?? throw new EmbeddedPostgresException(Advice);
        string? runAs = null;
        if (Environment.IsPrivilegedProcess && OperatingSystem.IsLinux())
        {
            if (!File.ReadLines("/etc/passwd").Any(line => line.StartsWith(Account + ":", StringComparison.Ordinal)))
                throw new EmbeddedPostgresException($"PostgreSQL refuses to run as root, and the account '{Account}' does not exist: apt-get install postgresql creates it.");
            if (!SetPriv.IsThere)
                throw new EmbeddedPostgresException("PostgreSQL refuses to run as root, and setpriv is not on this machine: apt-get install util-linux.");
            runAs = Account;
        }
        return new(Path.Combine(folder, "initdb"), Path.Combine(folder, "postgres"), runAs);
    }

    /// <summary>Command line that runs a program under the right account and, where wanted, lets it die with the calling thread.</summary>
    public IReadOnlyList<string> Command(string program, bool diesWithParent, params IEnumerable<string> arguments) =>
        [.. SetPriv.Prefix(RunAs, diesWithParent ? "INT" : null), program, .. arguments];

    private static IEnumerable<string> Candidates()
    {
        const string debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(debian)
            ? Directory.GetDirectories(debian).OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var major) ? major : 0)
            : Enumerable.Empty<string>();
        return SetPriv.OnPath().Concat(versions.Select(folder => Path.Combine(folder, "bin")));
    }
}
