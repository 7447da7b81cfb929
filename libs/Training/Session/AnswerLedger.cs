namespace TrainMover.Training.Session;

/// <summary>Remembers how the latest requests were answered, so that a repeat gets the same answers and has no second effect.</summary>
internal sealed class AnswerLedger(int capacity)
{
    private readonly OrderedDictionary<string, List<SessionEvent>> _answers = new(StringComparer.Ordinal);

    /// <summary>The answers so far when the request is known; null when it is new.</summary>
    public IReadOnlyList<SessionEvent>? Find(string requestId) => _answers.GetValueOrDefault(requestId);

    /// <summary>Takes note of an accepted request.</summary>
    public void Accept(string requestId)
    {
        if (_answers.TryAdd(requestId, []) && _answers.Count > capacity)
            _answers.RemoveAt(0);
    }

    /// <summary>A refused request is judged anew when it comes again: what stood in its way may be gone.</summary>
    public void Forget(string requestId) => _answers.Remove(requestId);

    /// <summary>Takes note of an answer to an accepted request.</summary>
    public void Answer(string requestId, SessionEvent answer)
    {
        if (_answers.TryGetValue(requestId, out var answers))
            answers.Add(answer);
    }
}
