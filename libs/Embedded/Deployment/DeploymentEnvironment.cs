using System.Text.Json;

namespace TrainMover.Embedded;

/// <summary>A process that a deployment started.</summary>
/// <param name="Name">Name in the deployment.</param>
/// <param name="Process">The process.</param>
public sealed record DeployedProcess(string Name, ProcessIdentity Process);

/// <summary>Where the services of a deployment are: what <c>run/environment.json</c> holds.</summary>
/// <param name="Kafka">Bootstrap servers.</param>
/// <param name="Postgres">Connection string.</param>
/// <param name="Schema">Schema of the event log.</param>
/// <param name="TopicPrefix">Prefix of all topics.</param>
/// <param name="RunDirectory">Folder of health addresses and worker sockets.</param>
/// <param name="Anchors">File of the anchors outside the database.</param>
/// <param name="PostgresDirectory">Private cluster, when the deployment has one.</param>
/// <param name="Owner">Process that stops the deployment when it ends; null when it was left running.</param>
/// <param name="Machines">Machines with their roles.</param>
/// <param name="Processes">Processes in the order in which they were started.</param>
public sealed record DeploymentEnvironment(
    string Kafka,
    string Postgres,
    string Schema,
    string TopicPrefix,
    string RunDirectory,
    string Anchors,
    string? PostgresDirectory,
    ProcessIdentity? Owner,
    IReadOnlyList<MachineSetup> Machines,
    IReadOnlyList<DeployedProcess> Processes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Path of the file in a deployment's folder.</summary>
    /// <param name="directory">Folder of the deployment.</param>
    public static string FileIn(string directory) => Path.Combine(directory, "run", "environment.json");

    /// <summary>Reads the file; null when no deployment was ever started there.</summary>
    /// <param name="directory">Folder of the deployment.</param>
    /// <exception cref="DeploymentException">The file cannot be read.</exception>
    public static DeploymentEnvironment? Load(string directory)
    {
        var file = FileIn(directory);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<DeploymentEnvironment>(File.ReadAllText(file), Json) : null;
        }
        catch (Exception exception) when (exception is IOException or JsonException or UnauthorizedAccessException)
        {
            throw new DeploymentException($"{file} cannot be read ({exception.Message}): remove it, then start again with ./trainmover up.", exception);
        }
    }

    /// <summary>Whether any process of the deployment still runs.</summary>
    public bool IsRunning() => Processes.Any(process => process.Process.IsAlive());

    /// <summary>Writes the file in one piece.</summary>
    /// <param name="directory">Folder of the deployment.</param>
    public void Save(string directory)
    {
        var file = FileIn(directory);
        File.WriteAllText(file + ".new", JsonSerializer.Serialize(this, Json));
        File.Move(file + ".new", file, overwrite: true);
    }
}
