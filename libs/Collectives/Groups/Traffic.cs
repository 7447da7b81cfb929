namespace TrainMover.Collectives;

/// <summary>Bytes that one machine sent and received.</summary>
/// <param name="Sent">Bytes handed to the transport.</param>
/// <param name="Received">Bytes taken from it.</param>
public readonly record struct Traffic(long Sent, long Received)
{
    /// <summary>What came since an earlier count.</summary>
    /// <param name="earlier">The earlier count.</param>
    public Traffic Since(Traffic earlier) => new(Sent - earlier.Sent, Received - earlier.Received);
}
