namespace TrainMover.Detection.Findings;

/// <summary>Settings of a detector: a value that knows whether it makes sense.</summary>
public abstract record DetectorSettings
{
    /// <summary>Version under which findings are recorded. Default <c>1</c>.</summary>
    public string Version { get; init; } = "1";

    /// <summary>The first broken rule, in words that name the setting and its value; null when all hold.</summary>
    public abstract string? BrokenRule();

    /// <summary>Throws where a rule is broken; every detector calls it when it is made.</summary>
    /// <exception cref="SettingsException">A rule is broken; the message says which.</exception>
    public void Require()
    {
        if ((string.IsNullOrWhiteSpace(Version) ? "Version is empty." : BrokenRule()) is { } rule)
            throw new SettingsException($"{GetType().Name}: {rule}");
    }
}

/// <summary>Settings of a detector make no sense. The message names the setting, its value and the rule.</summary>
/// <param name="message">What is wrong.</param>
public sealed class SettingsException(string message) : Exception(message);
