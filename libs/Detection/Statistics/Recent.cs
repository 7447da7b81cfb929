namespace TrainMover.Detection.Statistics;

/// <summary>The last values, oldest first.</summary>
/// <param name="capacity">How many are kept; positive.</param>
public sealed class Recent<T>(int capacity)
{
    private readonly Queue<T> _values = new(capacity);

    /// <summary>The values, oldest first.</summary>
    public IReadOnlyCollection<T> Values => _values;

    /// <summary>How many there are.</summary>
    public int Count => _values.Count;

    /// <summary>Adds a value; the oldest leaves when there are too many.</summary>
    public void Add(T value)
    {
        if (_values.Count == capacity) _values.Dequeue();
        _values.Enqueue(value);
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => _values.Clear();
}
