using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

public class SandboxedCommunicatorTests
{
    [Fact]
    public void Every_collective_is_answered_as_it_was_recorded()
    {
        var record = Record(rank: 0);
        var sandbox = new SandboxedCommunicator(record);
        (sandbox.Rank, sandbox.Size).ShouldBe((0, 2));

        Calls(sandbox).ShouldBe(Calls(rank: 0));
        sandbox.InputsMatch.ShouldBe([true, true, true, true, true]);
        sandbox.Complete.ShouldBeTrue();
    }

    [Fact]
    public void Barrier_and_broadcast_as_root_are_passed_over()
    {
        var root = new SandboxedCommunicator(Record(rank: 0));
        var receiver = new SandboxedCommunicator(Record(rank: 1));

        Calls(root);
        Calls(receiver);

        root.BytesAnswered.ShouldBe(8 + 8 + 4);
        receiver.BytesAnswered.ShouldBe(8 + 8 + 4 + 3);
        root.Calls.ShouldBe(5);
        receiver.InputsMatch.ShouldBe([true, true, true, true, true]);
    }

    [Fact]
    public void It_remembers_which_inputs_differ_and_answers_all_the_same()
    {
        var sandbox = new SandboxedCommunicator(Record(rank: 0));
        float[] values = [9f, 9f];

        sandbox.AllReduce(values, ReduceOperation.Sum);

        values.ShouldBe([3f, 30f]);
        sandbox.InputsMatch.ShouldBe([false]);
        sandbox.Complete.ShouldBeFalse();
    }

    [Fact]
    public void A_call_that_was_not_recorded_at_this_place_is_refused()
    {
        Should.Throw<SandboxException>(() => new SandboxedCommunicator(Record(0)).Barrier())
            .Message.ShouldBe("Call 0 is barrier of 0 bytes, the record has all-reduce sum of 8 bytes.");
        Should.Throw<SandboxException>(() => new SandboxedCommunicator(Record(0)).AllReduce(new float[3], ReduceOperation.Sum))
            .Message.ShouldBe("Call 0 is all-reduce sum of 12 bytes, the record has all-reduce sum of 8 bytes.");
        Should.Throw<SandboxException>(() => new SandboxedCommunicator(Record(0)).AllReduce(new float[2], ReduceOperation.Max))
            .Message.ShouldBe("Call 0 is all-reduce max of 8 bytes, the record has all-reduce sum of 8 bytes.");
    }

    private static RecordedGroup Record(int rank)
    {
        var recording = new RecordingCommunicator[2];
        var groups = ThreadGroup.Of(2);
        Parallel(other => Calls(recording[other] = new RecordingCommunicator(groups[other])));
        return new RecordedGroup(GroupRole.DataParallel, rank, 2, recording[rank].Calls);
    }

    private static string Calls(int rank)
    {
        var results = new string[2];
        var groups = ThreadGroup.Of(2);
        Parallel(other => results[other] = Calls(groups[other]));
        return results[rank];
    }

    private static string Calls(ICommunicator group)
    {
        float[] sum = [1f + group.Rank, 10f + 10f * group.Rank];
        float[] max = [group.Rank, -group.Rank];
        var gathered = new byte[4];
        var shared = group.Rank == 0 ? new byte[] { 7, 8, 9 } : Guid.NewGuid().ToByteArray()[..3];
        group.AllReduce(sum, ReduceOperation.Sum);
        group.AllReduce(max, ReduceOperation.Max);
        group.AllGather([(byte)group.Rank, 5], gathered);
        group.Broadcast(shared, root: 0);
        group.Barrier();
        return string.Join(' ', [.. sum, .. max]) + " " + Convert.ToHexString(gathered) + " " + Convert.ToHexString(shared);
    }

    private static void Parallel(Action<int> rank)
    {
        var other = new Thread(() => rank(1));
        other.Start();
        rank(0);
        other.Join();
    }
}
