using System.Reflection;
using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;

namespace TrainMover.Detection.Live.Tuning;

/// <summary>A detector of the running Detector: what it is called, what it does by default, and which settings it takes.</summary>
public abstract class DetectorKind
{
    private protected DetectorKind(string name, string summary, DetectorMode defaultMode) => (Name, Summary, DefaultMode) = (name, summary, defaultMode);

    /// <summary>Name, for example <c>hang</c>.</summary>
    public string Name { get; }

    /// <summary>What it finds, in a few words.</summary>
    public string Summary { get; }

    /// <summary>Mode unless somebody says otherwise: learned detectors only log.</summary>
    public DetectorMode DefaultMode { get; }

    /// <summary>Its settings unless somebody says otherwise, sorted by name.</summary>
    public abstract IReadOnlyList<DetectorSetting> Defaults { get; }

    /// <summary>Whether a setting comes from a file that the service was started with, and is only shown.</summary>
    public abstract bool IsFixed(string setting);

    /// <summary>Settings with some of them changed, all of them, sorted by name.</summary>
    /// <param name="current">Settings so far; what is missing has its default, and what the detector does not know any more is dropped.</param>
    /// <param name="changes">New values by name.</param>
    /// <exception cref="SettingsException">A name is unknown or fixed, a value is none of its type, or the settings break a rule; the message says which.</exception>
    public abstract IReadOnlyList<DetectorSetting> Change(IReadOnlyList<DetectorSetting> current, IEnumerable<KeyValuePair<string, string>> changes);
}

/// <summary>A detector whose settings are of one type.</summary>
/// <typeparam name="T">Record of the settings; a <c>Version</c> is none of them, as the log counts the changes.</typeparam>
public sealed class DetectorKind<T> : DetectorKind
    where T : class, new()
{
    private static readonly PropertyInfo[] Properties =
    [
        .. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property is { CanWrite: true, Name: not "Version" } && SettingText.Knows(property.PropertyType)).OrderBy(property => property.Name, StringComparer.Ordinal),
    ];

    private readonly Func<T, string?> _brokenRule;
    private readonly string[] _fixed;

    internal DetectorKind(string name, string summary, Func<T, string?> brokenRule, DetectorMode defaultMode = DetectorMode.Enforce, params string[] @fixed)
        : base(name, summary, defaultMode) => (_brokenRule, _fixed) = (brokenRule, @fixed);

    /// <inheritdoc/>
    public override IReadOnlyList<DetectorSetting> Defaults => Write(new T());

    /// <summary>Settings as names and values, sorted by name.</summary>
    public IReadOnlyList<DetectorSetting> Write(T settings) => [.. Properties.Select(property => new DetectorSetting(property.Name, SettingText.Write(property.GetValue(settings)!)))];

    /// <summary>Settings from names and values: what is missing has its default, what is unknown is left out.</summary>
    /// <exception cref="SettingsException">A value is none of its type, or the settings break a rule.</exception>
    public T Read(IReadOnlyList<DetectorSetting> settings)
    {
        var read = new T();
        foreach (var setting in settings)
        {
            if (Array.Find(Properties, property => property.Name == setting.Name) is { } property) property.SetValue(read, Value(property, setting.Value));
        }

        return _brokenRule(read) is { } rule ? throw new SettingsException($"{Name}: {rule}") : read;
    }

    /// <inheritdoc/>
    public override bool IsFixed(string setting) => _fixed.Contains(setting, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override IReadOnlyList<DetectorSetting> Change(IReadOnlyList<DetectorSetting> current, IEnumerable<KeyValuePair<string, string>> changes)
    {
        var wanted = current.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
        foreach (var (name, value) in changes)
        {
            var property = Array.Find(Properties, property => string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase));
            if (property is null) throw Unknown(name);
            if (IsFixed(property.Name)) throw new SettingsException($"{Name}: {property.Name} cannot be set; it follows from what the Detector was started with.");
            wanted[property.Name] = value;
        }

        return Write(Read([.. wanted.Select(setting => new DetectorSetting(setting.Key, setting.Value))]));
    }

    private object Value(PropertyInfo property, string text) => SettingText.Read(property.PropertyType, text)
        ?? throw new SettingsException($"{Name}: {property.Name} is '{text}'; it is {SettingText.Shape(property.PropertyType)}.");

    private SettingsException Unknown(string name) => new(
        Properties.Length == 0 ? $"{Name} has no settings, so none that is called {name}." : $"{Name} has no setting {name}. It has {string.Join(", ", Properties.Select(property => property.Name).Where(known => !IsFixed(known)))}.");
}

/// <summary>Settings of a detector that has none.</summary>
public sealed record NoSettings;
