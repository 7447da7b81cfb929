using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// The flat float32 buffers of one device. They outlive the replica in them: a standby that is promoted to another role keeps what it holds and takes only what the other role has more.
/// For that, address space for the longest role is reserved when a buffer is made; memory is taken when it is touched. Used by one thread at a time.
/// </summary>
/// <param name="reserved">Elements of the longest buffer that any role will want; 0 where there is one role.</param>
/// <param name="meter">Where it is counted; null for nowhere.</param>
public sealed class ReplicaMemory(int reserved = 0, DeviceMeter? meter = null) : IDisposable
{
    private readonly Dictionary<(MemoryOwner Owner, int Number), Reservation> _buffers = [];

    /// <summary>Bytes that are held.</summary>
    public long Bytes => _buffers.Values.Sum(buffer => buffer.Touched * (long)sizeof(float));

    /// <summary>A buffer of zeros in the memory that the owner had before. Grows in place within what is reserved.</summary>
    /// <param name="owner">What for.</param>
    /// <param name="number">Which of the owner's buffers.</param>
    /// <param name="length">Elements.</param>
    /// <param name="device">Where it lives.</param>
    internal Tensor Take(MemoryOwner owner, int number, int length, Device device)
    {
        if (!_buffers.TryGetValue((owner, number), out var buffer) || buffer.Whole.shape[0] < length)
        {
            Release(owner, buffer);
            var whole = empty(Math.Max(length, reserved), ScalarType.Float32, device).DetachFromDisposeScope();
            _buffers[(owner, number)] = buffer = new Reservation(whole, Register(owner, whole));
        }

        var grown = Math.Max(0, length - buffer.Touched);
        buffer.Touched += grown;
        meter?.Allocate(owner, grown * (long)sizeof(float));
        var taken = buffer.Whole.narrow(0, 0, length).DetachFromDisposeScope();
        taken.zero_().Dispose();
        return taken;
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        foreach (var (key, buffer) in _buffers)
            Release(key.Owner, buffer);
        _buffers.Clear();
    }

    private void Release(MemoryOwner owner, Reservation? buffer)
    {
        if (buffer is null)
            return;
        meter?.Free(owner, buffer.Touched * (long)sizeof(float));
        buffer.Registration?.Dispose();
        buffer.Whole.Dispose();
    }

    // What calls move. A device's memory is not for the system to lend.
    private static IDisposable? Register(MemoryOwner owner, Tensor whole) =>
        owner is MemoryOwner.Parameters or MemoryOwner.Gradients && whole.device_type == DeviceType.CPU ? RegisteredMemory.Register(Replica.Region(whole)) : null;

    private sealed class Reservation(Tensor whole, IDisposable? registration)
    {
        public Tensor Whole { get; } = whole;

        public IDisposable? Registration { get; } = registration;

        public int Touched { get; set; }
    }
}
