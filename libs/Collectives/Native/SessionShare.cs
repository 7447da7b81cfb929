using System.Globalization;

namespace TrainMover.Collectives;

/// <summary>The share of the processors that all processes of this one's session have together: Linux shares them out by session where autogroup is on. Elsewhere nothing happens.</summary>
public static class SessionShare
{
    private const string Session = "/proc/self/autogroup";

    /// <summary>The usual share.</summary>
    public const int Full = 0;

    /// <summary>Sets it. Without privileges the system takes one change in a tenth of a second, from all processes together.</summary>
    /// <param name="niceness">0 for the usual share, up to 19 for what the others leave.</param>
    /// <returns>Whether there is nothing more to be done: it is set, or sessions have no share of their own here.</returns>
    public static bool TrySet(int niceness)
    {
        try
        {
            File.WriteAllText(Session, niceness.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return !File.Exists(Session);
        }
    }
}
