namespace TrainMover.Collectives;

/// <summary>How float32 elements travel between ranks.</summary>
public enum WireFormat
{
    /// <summary>As they are, 4 bytes each: float32.</summary>
    Full,

    /// <summary>
    /// Rounded to bfloat16 (to nearest, ties to even), 2 bytes each. Sums are still made in float32: each partial sum is rounded when it is sent, and the result once more, on every
    /// rank, so that all end with the same bits. A group of one rank rounds nothing.
    /// </summary>
    BFloat16,
}
