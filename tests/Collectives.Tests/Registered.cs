using System.Runtime.InteropServices;

namespace TrainMover.Collectives.Tests;

/// <summary>Native memory that is registered, of zeros; it begins at a page.</summary>
internal sealed unsafe class Registered : IDisposable
{
    private const int LargePage = 2 * 1024 * 1024;
    private readonly IDisposable _registration;

    public Registered(long length)
    {
        Length = length;
        First = (byte*)NativeMemory.AlignedAlloc((nuint)length, LargePage);
        _registration = RegisteredMemory.Register(new MemoryRegion((nint)First, length));
        NativeMemory.Clear(First, (nuint)length);
    }

    public byte* First { get; }

    public long Length { get; }

    public Span<byte> Bytes => new(First, (int)Length);

    public Span<float> Floats => MemoryMarshal.Cast<byte, float>(Bytes);

    public void Unregister() => _registration.Dispose();

    public void Dispose()
    {
        Unregister();
        NativeMemory.AlignedFree(First);
    }
}
