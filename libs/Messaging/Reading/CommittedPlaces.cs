using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>
/// Places of a reader on their way to the broker. Whoever stores one does not wait for the broker's answer: at most one commit is under way, and the next one has the last place of each partition.
/// </summary>
/// <param name="commit">Takes places to the broker and returns when it has answered; does not throw.</param>
internal sealed class CommittedPlaces(Action<IReadOnlyList<TopicPartitionOffset>> commit)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TopicPartition, Offset> _waiting = [];
    private bool _isCommitting;
    private Task _stored = Task.CompletedTask;

    /// <summary>Completes when everything that was stored before has been committed.</summary>
    public Task Stored
    {
        get
        {
            lock (_gate)
                return _stored;
        }
    }

    /// <summary>Commits the places, after the one that is under way.</summary>
    public void Store(IReadOnlyList<TopicPartitionOffset> places)
    {
        lock (_gate)
        {
            foreach (var place in places)
                _waiting[place.TopicPartition] = place.Offset;
            if (_isCommitting)
                return;
            _isCommitting = true;
            _stored = Task.Run(Commit);
        }
    }

    private void Commit()
    {
        while (true)
        {
            List<TopicPartitionOffset> places;
            lock (_gate)
            {
                places = [.. _waiting.Select(place => new TopicPartitionOffset(place.Key, place.Value))];
                _waiting.Clear();
                if (places.Count == 0)
                {
                    _isCommitting = false;
                    return;
                }
            }

            commit(places);
        }
    }
}
