namespace TrainMover.Training.Tests;

public class CorpusTests
{
    [Fact]
    public void Data_order_is_a_function_of_seed_and_step()
    {
        var offsets = TinyJob.Text.Offsets(seed: 1, step: 5, firstSequence: 0, count: 8, context: 16);

        Corpus.Of(TextBytes()).Offsets(1, 5, 0, 8, 16).ShouldBe(offsets);
        TinyJob.Text.Offsets(2, 5, 0, 8, 16).ShouldNotBe(offsets);
        TinyJob.Text.Offsets(1, 6, 0, 8, 16).ShouldNotBe(offsets);
    }

    [Fact]
    public void The_ranks_shares_together_are_the_batch_of_one_big_rank()
    {
        int[] shares = [.. TinyJob.Text.Offsets(1, 5, 0, 4, 16), .. TinyJob.Text.Offsets(1, 5, 4, 4, 16), .. TinyJob.Text.Offsets(1, 5, 8, 4, 16)];

        shares.ShouldBe(TinyJob.Text.Offsets(1, 5, 0, 12, 16));
        shares.Distinct().Count().ShouldBe(12);
    }

    [Fact]
    public void Targets_are_the_inputs_moved_on_by_one_byte()
    {
        var corpus = Corpus.Of([.. Enumerable.Range(0, 256).Select(value => (byte)value)]);
        using var batch = corpus.Batch(seed: 1, step: 0, firstSequence: 0, count: 4, context: 16);

        batch.Inputs.shape.ShouldBe([4, 16]);
        batch.Targets.data<long>().ToArray().ShouldBe(batch.Inputs.data<long>().Select(value => value + 1).ToArray());
    }

    [Fact]
    public void Every_start_that_has_a_target_can_be_drawn_and_no_other()
    {
        var corpus = Corpus.Of(new byte[20]);

        corpus.Offsets(1, 0, 0, 400, 16).Distinct().Order().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void A_corpus_without_a_whole_sequence_is_refused() =>
        Should.Throw<ArgumentException>(() => Corpus.Of(new byte[16]).Offsets(1, 0, 0, 1, 16)).Message.ShouldStartWith("A corpus of 16 bytes has no sequence of 16 bytes");

    [Fact]
    public void A_loaded_file_has_the_digest_of_its_bytes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], "abc");

        Corpus.Load(folder["text"]).Digest.ShouldBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    private static byte[] TextBytes()
    {
        using var text = new MemoryStream();
        foreach (var name in typeof(CorpusTests).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("text/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            typeof(CorpusTests).Assembly.GetManifestResourceStream(name)!.CopyTo(text);
        return text.ToArray();
    }
}
