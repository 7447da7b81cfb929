namespace TrainMover.Detection.Statistics;

/// <summary>The last values in order of size, for running quantiles.</summary>
/// <param name="capacity">How many are kept; positive.</param>
public sealed class SortedWindow(int capacity)
{
    private readonly Queue<double> _arrivals = new();
    private readonly List<double> _sorted = [];

    /// <summary>How many there are.</summary>
    public int Count => _sorted.Count;

    /// <summary>The value at a place in the order of size, the smallest at 0.</summary>
    public double At(int place) => _sorted[place];

    /// <summary>Adds a value; the oldest leaves when there are too many.</summary>
    public void Add(double value)
    {
        if (_arrivals.Count == capacity) _sorted.RemoveAt(Place(_arrivals.Dequeue()));
        _arrivals.Enqueue(value);
        _sorted.Insert(Place(value), value);
    }

    private int Place(double value)
    {
        var found = _sorted.BinarySearch(value);
        return found < 0 ? ~found : found;
    }
}
