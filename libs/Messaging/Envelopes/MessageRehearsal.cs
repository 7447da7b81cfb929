using TrainMover.Contracts;
using TrainMover.Contracts.Schema;

namespace TrainMover.Messaging;

/// <summary>Writes and reads messages once: what that compiles and looks up would otherwise be done at the first real one of its kind, which may come in a pause.</summary>
public static class MessageRehearsal
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Rehearses every example of the messages of some topics.</summary>
    /// <param name="topics">Topics without prefix; see <see cref="Topics"/>.</param>
    /// <returns>Number of examples that were read as they were written.</returns>
    public static int Run(params IReadOnlyCollection<string> topics)
    {
        var envelopes =
            from entry in Catalog.Entries
            where topics.Contains(entry.Topic)
            from example in Examples.Of(entry.ClrType)
            select new Envelope("rehearsal", "/trainmover/rehearsal", entry.Name, example.Body) { Subject = Contracts.MessageKey.Of(example.Body) };
        return envelopes.Count(envelope => EnvelopeFormat.Read(EnvelopeFormat.Write(envelope), MaxBytes) is Reading.Readable);
    }
}
