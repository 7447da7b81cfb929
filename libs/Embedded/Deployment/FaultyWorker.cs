using System.Globalization;

namespace TrainMover.Embedded;

/// <summary>Makes a worker slow, or kills it, on purpose: workers that were started with <c>TRAINMOVER_INJECTION=1</c> follow the file <c>faults/MACHINE</c> in the run folder.</summary>
public static class FaultyWorker
{
    /// <summary>Environment variable without which workers follow nothing.</summary>
    public const string Switch = "TRAINMOVER_INJECTION";

    /// <summary>Greatest share.</summary>
    public const double MostShare = 100;

    /// <summary>Whether a worker follows the file.</summary>
    public static bool Follows(ProcessIdentity worker)
    {
        try
        {
            return File.ReadAllText($"/proc/{worker.Pid}/environ").Split('\0').Contains($"{Switch}=1", StringComparer.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Lets every operation of a machine's worker waste processor time in addition.</summary>
    /// <param name="runDirectory">Run folder of the deployment.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="share">Part of the time of each operation, above 0 and up to <see cref="MostShare"/>, or infinite for an operation that does not return; null ends it.</param>
    public static void Set(string runDirectory, string machine, double? share)
    {
        var file = FileOf(runDirectory, machine);
        if (share is not { } wasted)
        {
            if (File.Exists(file)) File.Delete(file);
            return;
        }

        if (!(wasted is (> 0 and <= MostShare) or double.PositiveInfinity)) throw new ArgumentOutOfRangeException(nameof(share), wasted, $"It is above 0 and at most {MostShare}.");
        Write(file, wasted.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Has a machine's worker kill itself (SIGKILL) right after its next step, so that no work is lost with it.</summary>
    /// <param name="runDirectory">Run folder of the deployment.</param>
    /// <param name="machine">The machine.</param>
    public static void KillAfterStep(string runDirectory, string machine)
    {
        var file = FileOf(runDirectory, machine);
        if (File.Exists(StampOf(file))) File.Delete(StampOf(file));
        Write(file, "Kill");
    }

    /// <summary>Monotonic time, in nanoseconds, just before the signal; null when the worker has not killed itself.</summary>
    /// <param name="runDirectory">Run folder of the deployment.</param>
    /// <param name="machine">The machine.</param>
    public static long? KilledAt(string runDirectory, string machine) =>
        StampOf(FileOf(runDirectory, machine)) is var file && File.Exists(file) ? long.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) : null;

    private static string FileOf(string runDirectory, string machine) => Path.Combine(runDirectory, "faults", machine);

    private static string StampOf(string file) => $"{file}.killed";

    private static void Write(string file, string order)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText($"{file}.tmp", order);
        File.Move($"{file}.tmp", file, overwrite: true);
    }
}
