using System.Globalization;

namespace TrainMover.Embedded;

/// <summary>Makes a worker slow on purpose: workers that were started with <c>TRAINMOVER_INJECTION=1</c> follow the file <c>slow-MACHINE</c> in the run folder.</summary>
public static class SlowWorker
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
        var file = Path.Combine(runDirectory, $"slow-{machine}");
        if (share is not { } wasted)
        {
            File.Delete(file);
            return;
        }

        if (!(wasted is (> 0 and <= MostShare) or double.PositiveInfinity)) throw new ArgumentOutOfRangeException(nameof(share), wasted, $"It is above 0 and at most {MostShare}.");
        File.WriteAllText($"{file}.tmp", wasted.ToString(CultureInfo.InvariantCulture));
        File.Move($"{file}.tmp", file, overwrite: true);
    }
}
