namespace TrainMover.Training.Session;

/// <summary>Remembers how the latest requests were answered, so that a repeat gets the same answers and has no second effect.</summary>
internal sealed class AnswerLedger(int capacity)
{
    private readonly Dictionary<string, List<SessionEvent>> _answers = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    /// <summary>The answers so far when the request is known; null when it is new.</summary>
    public IReadOnlyList<SessionEvent>? Find(string requestId) => _answers.GetValueOrDefault(requestId);

    /// <summary>Takes note of an accepted request.</summary>
    public void Accept(string requestId)
    {
        if (!_answers.TryAdd(requestId, []))
            return;
        _order.Add(requestId);
        if (_order.Count <= capacity)
            return;
        _answers.Remove(_order[0]);
        _order.RemoveAt(0);
    }

    /// <summary>A refused request is judged anew when it comes again: what stood in its way may be gone.</summary>
    public void Forget(string requestId)
    {
        if (_answers.Remove(requestId))
            _order.Remove(requestId);
    }

    /// <summary>Takes note of an answer to an accepted request.</summary>
    public void Answer(string requestId, SessionEvent answer)
    {
        if (_answers.TryGetValue(requestId, out var answers))
            answers.Add(answer);
    }
}
