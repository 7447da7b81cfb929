using System.Collections.Concurrent;
using Confluent.Kafka;

namespace TrainMover.Messaging.Tests;

public sealed class CommittedPlacesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task One_commit_is_under_way_and_the_next_one_has_the_last_place_of_each_partition()
    {
        var (commits, begun, answer) = (new ConcurrentQueue<string>(), new SemaphoreSlim(0), new SemaphoreSlim(0));
        var places = new CommittedPlaces(committed =>
        {
            commits.Enqueue(string.Join(' ', committed.Select(place => $"{place.Partition.Value}:{place.Offset.Value}").Order(StringComparer.Ordinal)));
            begun.Release();
            answer.Wait(Patience).ShouldBeTrue();
        });
        await places.Stored;

        places.Store([Place(0, 10), Place(1, 5)]);
        (await begun.WaitAsync(Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
        places.Store([Place(0, 20)]);
        places.Store([Place(0, 30), Place(2, 7)]);
        var stored = places.Stored;
        commits.ShouldBe(["0:10 1:5"]);
        stored.IsCompleted.ShouldBeFalse();

        answer.Release(2);
        await stored.WaitAsync(Patience, TestContext.Current.CancellationToken);
        commits.ShouldBe(["0:10 1:5", "0:30 2:7"]);

        places.Store([Place(1, 6)]);
        answer.Release();
        await places.Stored.WaitAsync(Patience, TestContext.Current.CancellationToken);
        commits.Last().ShouldBe("1:6");
    }

    private static TopicPartitionOffset Place(int partition, long offset) => new("topic", partition, offset);
}
