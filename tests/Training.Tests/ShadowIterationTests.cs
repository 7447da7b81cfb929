using System.Diagnostics.Tracing;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace TrainMover.Training.Tests;

/// <summary>A two-rank job whose rank 1 recorded its first step; each test shows a standby some version of that record.</summary>
public sealed class ShadowIterationTests : IDisposable
{
    private static readonly HashSet<GroupRole> Recorded = [GroupRole.DataParallel];

    private readonly TemporaryFolder _folder = new();
    private readonly StepRecord _record;
    private readonly string _recordedState;

    public ShadowIterationTests()
    {
        var groups = ThreadGroup.Of(2);
        using var peer = TinyJob.NewReplica();
        using var recorded = TinyJob.NewReplica();
        Checkpoint.Save(CheckpointFile, recorded, TinyJob.Name);
        var peerThread = new Thread(() => StepProtocol.TrainStep(peer, TinyJob.Text, new DataParallelGroups(groups[0]), StepProtocol.Commit));
        peerThread.Start();
        var step = StepRecorder.TrainStep(TinyJob.Name, recorded, TinyJob.Text, new DataParallelGroups(groups[1]), Recorded);
        peerThread.Join();
        _record = step.Record!;
        _recordedState = recorded.Digest();
        _record.Save(RecordFolder);
    }

    private IReadOnlyList<RecordedCall> Calls => _record.Groups[0].Calls;

    private string CheckpointFile => _folder["initial.safetensors"];

    private string RecordFolder => _folder["record"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_shadow_iteration_on_a_sound_machine_is_good()
    {
        using var cold = TinyJob.NewReplica();
        TinyJob.Train(cold, 2);

        var result = Run(cold);

        result.Reason.ShouldBeNull();
        result.Good.ShouldBeTrue();
        BitConverter.SingleToUInt32Bits(result.Loss).ShouldBe(_record.LossBits);
        result.Calls.ShouldBe(5);
        result.BytesAnswered.ShouldBe((4L * cold.Gradients.Length) + (2 * Unsafe.SizeOf<CommitShare>()));
        result.Duration.ShouldBeGreaterThan(TimeSpan.Zero);
        cold.Digest().ShouldBe(_recordedState);
    }

    [Fact]
    public void A_record_survives_storage_unchanged()
    {
        var loaded = StepRecord.Load(RecordFolder);

        (loaded with { Groups = _record.Groups }).ShouldBe(_record);
        loaded.Groups.Select(group => group with { Calls = [] }).ShouldBe(_record.Groups.Select(group => group with { Calls = [] }));
        loaded.Groups[0].Calls.Select(call => call with { Output = default }).ShouldBe(Calls.Select(call => call with { Output = default }));
        loaded.Groups[0].Calls.Select(call => Convert.ToHexString(call.Output.Span)).ShouldBe(Calls.Select(call => Convert.ToHexString(call.Output.Span)));
        loaded.Groups[0].Calls.Select(call => call.Operation).ShouldBe(["all-reduce sum", "all-reduce sum", "all-reduce sum", "all-reduce sum", "all-gather"]);
        Directory.GetFileSystemEntries(_folder.Path).Order().ShouldBe([_folder["contents"], CheckpointFile, RecordFolder]);
    }

    [Fact]
    public void Recording_does_not_change_the_step()
    {
        using var recorded = TinyJob.NewReplica();
        using var plain = TinyJob.NewReplica();

        var step = StepRecorder.TrainStep(TinyJob.Name, recorded, TinyJob.Text, ThreadGroups.Alone, Recorded);

        TinyJob.Train(plain, 1).ShouldBe([step.Outcome.Loss]);
        plain.Digest().ShouldBe(recorded.Digest());
        step.Record!.UpdatedDigest.ShouldBe(plain.Digest());
    }

    [Fact]
    public void A_step_whose_commit_does_not_pass_leaves_no_record()
    {
        using var replica = TinyJob.NewReplica();

        StepRecorder.TrainStep(
            TinyJob.Name, replica, TinyJob.Text, ThreadGroups.Alone, Recorded, commit => commit.Enter(new CommitBallot(false, 0))).Record.ShouldBeNull();
    }

    [Fact]
    public void A_shadow_iteration_opens_no_connection()
    {
        using var cold = TinyJob.NewReplica();
        using var connections = new ConnectionListener();

        Run(cold).Good.ShouldBeTrue();
        connections.Seen.ShouldBe(0);

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        connections.Seen.ShouldBe(1);
    }

    [Theory]
    [InlineData("index.json")]
    [InlineData("contents")]
    public void A_record_with_any_byte_changed_is_not_good(string file)
    {
        using var cold = TinyJob.NewReplica();
        var path = FileOf(file);
        var whole = File.ReadAllBytes(path);
        var random = new Random(11);
        foreach (var position in Enumerable.Range(0, 80).Select(_ => random.Next(whole.Length)).Append(0).Append(whole.Length - 1))
        {
            var altered = (byte[])whole.Clone();
            altered[position] ^= 0x01;
            File.WriteAllBytes(path, altered);
            var result = Run(cold);
            result.Good.ShouldBeFalse($"byte {position}");
            result.Reason.ShouldNotBeNullOrEmpty();
        }
    }

    [Theory]
    [InlineData("index.json")]
    [InlineData("contents")]
    public void A_truncated_or_missing_file_is_not_good(string file)
    {
        using var cold = TinyJob.NewReplica();
        var path = FileOf(file);
        var whole = File.ReadAllBytes(path);
        foreach (var length in new[] { 0, 1, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(path, whole[..length]);
            Run(cold).Good.ShouldBeFalse($"{length} bytes");
        }

        File.Delete(path);
        Reason(Run(cold)).ShouldStartWith(file == "contents" ? $"Record {RecordFolder}: the output of call " : $"Record {RecordFolder}: it cannot be read");
    }

    [Fact]
    public void A_missing_record_is_not_good()
    {
        using var cold = TinyJob.NewReplica();

        var result = ShadowIteration.Run(cold, TinyJob.Text, CheckpointFile, _folder["absent"]);

        Reason(result).ShouldContain("it cannot be read");
        result.Loss.ShouldBe(float.NaN);
        result.Calls.ShouldBe(0);
    }

    [Fact]
    public void A_torn_or_missing_checkpoint_is_not_good()
    {
        using var cold = TinyJob.NewReplica();
        File.WriteAllBytes(CheckpointFile, File.ReadAllBytes(CheckpointFile)[..^1]);
        Reason(Run(cold)).ShouldContain("bytes of tensor data instead of");
        File.Delete(CheckpointFile);
        Reason(Run(cold)).ShouldStartWith($"Checkpoint {CheckpointFile}: it cannot be read");
    }

    [Fact]
    public void A_record_that_disagrees_in_any_compared_value_is_not_good()
    {
        var first = Calls[0];
        RunOn(WithCalls([first with { InputDigest = new string('0', 64) }, .. Calls.Skip(1)]))
            .ShouldBe("What call 0 of group DataParallel (all-reduce sum) would have sent differs from what rank 1 sent.");
        RunOn(_record with { LossBits = _record.LossBits ^ 1 }).ShouldStartWith("The loss is ");
        RunOn(_record with { GradientsDigest = new string('0', 64) }).ShouldBe("The reduced gradients differ from the record.");
        RunOn(_record with { UpdatedDigest = new string('0', 64) }).ShouldBe("The updated state differs from the record.");
        RunOn(_record with { Rank = 0 }).ShouldBe("What call 0 of group DataParallel (all-reduce sum) would have sent differs from what rank 0 sent.");
        RunOn(_record with { Job = "other" }).ShouldBe("The checkpoint belongs to job tiny, the record to job other.");
        RunOn(_record with { Seed = 8 }).ShouldBe("The checkpoint has seed 7, the record seed 8.");
        RunOn(_record with { Step = 1 }).ShouldBe("The checkpoint holds 0 completed steps, the record begins at step 1.");
        RunOn(WithCalls([first])).ShouldBe($"Call 1 (all-reduce sum, {Calls[1].Length} bytes) has no answer: the record ends after 1 calls.");
        RunOn(WithCalls([Calls[^1], first]))
            .ShouldBe($"Call 0 is all-reduce sum of {first.Length} bytes, the record has all-gather of 32 bytes.");
        RunOn(WithCalls([.. Calls, first])).ShouldBe("The record has 6 calls of group DataParallel, the shadow iteration made 5.");
        RunOn(WithCalls([first with { Output = new byte[first.Length] }, .. Calls.Skip(1)]))
            .ShouldBe("What call 4 of group DataParallel (all-gather) would have sent differs from what rank 1 sent.");
    }

    [Fact]
    public void Another_text_or_another_shape_is_not_good()
    {
        using var cold = TinyJob.NewReplica();
        var otherText = Corpus.Of([.. Enumerable.Range(0, 5000).Select(value => (byte)(value * 7))]);
        Reason(ShadowIteration.Run(cold, otherText, CheckpointFile, RecordFolder)).ShouldStartWith("What call 0 of group DataParallel (all-reduce sum) would have sent differs");

        using var otherShape = new Replica(TinyJob.Shape with { Heads = 4 }, TinyJob.Recipe);
        Reason(Run(otherShape)).ShouldStartWith("What call 0 of group DataParallel (all-reduce sum) would have sent differs");
    }

    private string FileOf(string file) => file == "contents" ? Directory.GetFiles(_folder[file]).MaxBy(content => new FileInfo(content).Length)! : Path.Combine(RecordFolder, file);

    private static string Reason(ShadowResult result)
    {
        result.Good.ShouldBeFalse();
        return result.Reason!;
    }

    private ShadowResult Run(Replica cold) => ShadowIteration.Run(cold, TinyJob.Text, CheckpointFile, RecordFolder);

    private StepRecord WithCalls(IReadOnlyList<RecordedCall> calls) => _record with { Groups = [_record.Groups[0] with { Calls = calls }] };

    private string RunOn(StepRecord record)
    {
        record.Save(RecordFolder);
        using var cold = TinyJob.NewReplica();
        return Reason(Run(cold));
    }

    private sealed class ConnectionListener : EventListener
    {
        private int _seen;

        public int Seen => Volatile.Read(ref _seen);

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "System.Net.Sockets")
                EnableEvents(eventSource, EventLevel.Informational);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "ConnectStart")
                Interlocked.Increment(ref _seen);
        }
    }
}
