namespace TrainMover.Training.Tests;

public class ReductionThreadTests
{
    [Fact]
    public void Buckets_are_reduced_in_order_on_one_thread_that_allocates_nothing()
    {
        const int Steps = 200;
        var order = new int[3 * Steps];
        var allocated = new long[3 * Steps];
        var threads = new int[3 * Steps];
        var calls = 0;
        using var thread = new ReductionThread(3, (_, bucket) =>
        {
            (order[calls], threads[calls]) = (bucket, Environment.CurrentManagedThreadId);
            allocated[calls++] = GC.GetAllocatedBytesForCurrentThread();
        });

        for (var step = 0; step < Steps; step++)
        {
            thread.Begin(ThreadGroups.Alone);
            thread.Release(1);
            thread.Release(3);
            thread.Complete();
        }

        order.ShouldBe(Enumerable.Repeat(new[] { 0, 1, 2 }, Steps).SelectMany(step => step));
        threads.Distinct().Count().ShouldBe(1);
        allocated[^1].ShouldBe(allocated[9]);
    }

    [Fact]
    public void An_error_surfaces_where_the_step_is_completed_and_the_next_step_works()
    {
        var fail = true;
        var reduced = 0;
        using var thread = new ReductionThread(2, (_, bucket) =>
        {
            if (fail && bucket == 1)
                throw new InvalidOperationException("broken");
            reduced++;
        });
        thread.Begin(ThreadGroups.Alone);
        thread.Release(2);

        Should.Throw<InvalidOperationException>(thread.Complete).Message.ShouldBe("broken");

        fail = false;
        thread.Begin(ThreadGroups.Alone);
        thread.Release(2);
        thread.Complete();
        reduced.ShouldBe(3);
    }

    [Fact]
    public void A_step_begins_after_the_call_that_an_abandoned_one_left_behind()
    {
        using var entered = new ManualResetEventSlim();
        using var open = new ManualResetEventSlim();
        var calls = new List<string>();
        using var thread = new ReductionThread(2, (_, bucket) =>
        {
            entered.Set();
            open.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
            lock (calls)
                calls.Add($"bucket {bucket}");
        });
        thread.Begin(ThreadGroups.Alone);
        thread.Release(2);
        entered.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
        thread.Abandon();

        var opener = new Thread(open.Set);
        opener.Start();
        thread.Begin(ThreadGroups.Alone);
        lock (calls)
            calls.Add("begun");
        thread.Release(2);
        thread.Complete();
        opener.Join();

        calls.ShouldBe(["bucket 0", "begun", "bucket 0", "bucket 1"]);
    }
}
