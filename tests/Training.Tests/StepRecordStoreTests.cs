using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

public sealed class StepRecordStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Equal_contents_of_calls_groups_and_records_are_stored_once()
    {
        Store(mostBytes: 300).Save("rank-0", Record(Output(1), Output(2), Output(1)));
        Store(mostBytes: 300).Save("rank-1", Record(Output(2), Output(3)));

        Contents.Order().ShouldBe(new[] { Output(1), Output(2), Output(3) }.Select(output => RecordContents.KeyOf(output).Digest).Order());
        StepRecord.Load(_folder["rank-0"]).Groups[0].Calls.Select(call => call.Output.ToArray()).ShouldBe([Output(1), Output(2), Output(1)]);
        StepRecord.Load(_folder["rank-1"]).Groups[0].Calls.Select(call => call.Output.ToArray()).ShouldBe([Output(2), Output(3)]);
    }

    [Fact]
    public void The_oldest_record_that_is_not_in_use_makes_room_and_what_others_share_with_it_stays()
    {
        var store = Store(mostBytes: 300, inUse: "rank-0");
        store.Save("rank-0", Record(Output(1)));
        store.Save("old", Record(Output(1), Output(2)));
        store.Save("newer", Record(Output(3)));
        Age("rank-0", hours: 3);
        Age("old", hours: 2);
        Age("newer", hours: 1);

        store.Save("rank-4", Record(Output(4)));

        Records.ShouldBe(["newer", "rank-0", "rank-4"]);
        Contents.Order().ShouldBe(new[] { Output(1), Output(3), Output(4) }.Select(output => RecordContents.KeyOf(output).Digest).Order());
        StepRecord.Load(_folder["rank-0"]).Groups[0].Calls[0].Output.ToArray().ShouldBe(Output(1));
    }

    [Fact]
    public void Records_in_use_never_go_and_a_record_without_room_beside_them_is_refused()
    {
        var store = Store(mostBytes: 200, inUse: ["rank-0", "rank-4"]);
        store.Save("rank-0", Record(Output(1), Output(2)));

        Should.Throw<StepRecordException>(() => store.Save("rank-4", Record(Output(3)))).Reason.ShouldBe("with the records in use it makes 300 bytes of contents, the store holds 200");

        Records.ShouldBe(["rank-0"]);
        StepRecord.Load(_folder["rank-0"]).Groups[0].Calls.Count.ShouldBe(2);
    }

    [Fact]
    public void A_record_that_alone_is_too_large_is_refused_and_nothing_goes_for_it()
    {
        var store = Store(mostBytes: 150);
        store.Save("old", Record(Output(1)));

        Should.Throw<StepRecordException>(() => store.Save("rank-0", Record(Output(2), Output(3)))).Reason.ShouldBe("it alone has 200 bytes of contents, the store holds 150");

        Records.ShouldBe(["old"]);
    }

    [Fact]
    public void An_altered_content_is_refused_by_whoever_reads_it_and_replaced_by_whoever_writes_it_again()
    {
        var store = Store(mostBytes: 300);
        store.Save("rank-0", Record(Output(1), Output(2)));
        var file = Path.Combine(_folder["contents"], RecordContents.KeyOf(Output(2)).Digest);
        var altered = Output(2);
        altered[7] ^= 1;
        File.WriteAllBytes(file, altered);
        Should.Throw<StepRecordException>(() => StepRecord.Load(_folder["rank-0"])).Reason
            .ShouldBe("the output of call 1 (all-gather) of group DataParallel is missing or does not have its checksum");

        store.Save("rank-1", Record(Output(2)));

        StepRecord.Load(_folder["rank-0"]).Groups[0].Calls[1].Output.ToArray().ShouldBe(Output(2));
    }

    private IEnumerable<string> Contents => Directory.GetFiles(_folder["contents"]).Select(file => Path.GetFileName(file)!);

    private IEnumerable<string> Records => Directory.GetDirectories(_folder.Path).Select(folder => Path.GetFileName(folder)!).Where(name => name != "contents").Order(StringComparer.Ordinal);

    private static byte[] Output(byte value) => [.. Enumerable.Repeat(value, 100)];

    private static StepRecord Record(params byte[][] outputs) => new(
        "job", 0, new ParallelLayout(2), 0, 1, 0, "gradients", "updated",
        [new RecordedGroup(GroupRole.DataParallel, 0, 2, [.. outputs.Select((output, index) => new RecordedCall(index, "all-gather", output.Length, "input", output))])]);

    private StepRecordStore Store(long mostBytes, params string[] inUse) => new(_folder.Path, mostBytes, inUse.ToHashSet());

    private void Age(string name, int hours) => Directory.SetLastWriteTimeUtc(_folder[name], new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc).AddHours(-hours));
}
