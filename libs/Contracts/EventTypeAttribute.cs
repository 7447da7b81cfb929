namespace TrainMover.Contracts;

/// <summary>Gives a message its versioned CloudEvents type and the topic on which it travels.</summary>
/// <param name="name">CloudEvents <c>type</c>, ending in <c>.vN</c>, for example <c>trainmover.migration.planned.v1</c>. Never reused for another shape.</param>
/// <param name="topic">Topic without prefix, one of <see cref="Topics"/>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EventTypeAttribute(string name, string topic) : Attribute
{
    /// <summary>The versioned CloudEvents type.</summary>
    public string Name { get; } = name;

    /// <summary>The topic, without the deployment's prefix.</summary>
    public string Topic { get; } = topic;
}
