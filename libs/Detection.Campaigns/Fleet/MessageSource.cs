using System.Globalization;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>One who sends messages, in the order in which they arrive.</summary>
/// <param name="name">Its name.</param>
internal abstract class MessageSource(string name)
{
    private static readonly TimeSpan UsualDelay = TimeSpan.FromMilliseconds(4);
    private readonly Queue<Message> _ready = new();
    private TimeSpan _latest;
    private int _sent;

    /// <summary>The next message; null when there are no more.</summary>
    public Message? Next()
    {
        while (_ready.Count == 0)
        {
            if (!Produce()) return null;
        }

        return _ready.Dequeue();
    }

    /// <summary>Sends what comes next, possibly nothing; false when nothing will come any more.</summary>
    protected abstract bool Produce();

    /// <summary>Sends a message. The way takes some milliseconds, and keeps the order.</summary>
    protected void Send(TimeSpan at, object body, Dice dice)
    {
        var arrives = at + dice.Wait(UsualDelay);
        _latest = arrives > _latest ? arrives : _latest;
        _ready.Enqueue(new Message(_latest, $"/campaign/{name}", string.Create(CultureInfo.InvariantCulture, $"{name}-{_sent++}"), body));
    }
}
