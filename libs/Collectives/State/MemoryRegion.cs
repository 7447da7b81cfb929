namespace TrainMover.Collectives;

/// <summary>A stretch of native memory, such as a tensor's, that a state transfer reads or writes in place. It must stay valid until the transfer ends.</summary>
/// <param name="Address">Address of the first byte.</param>
/// <param name="Length">Length in bytes; 0 or more.</param>
public readonly record struct MemoryRegion(nint Address, long Length);
