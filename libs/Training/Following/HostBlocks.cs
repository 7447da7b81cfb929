using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>
/// Host memory in blocks of one size. What was taken once is kept until the end: the first touch of memory takes several times as long as the copy into it, on a thread for which all ranks wait. Used under its owner's lock.
/// </summary>
/// <param name="blockBytes">Length of a block.</param>
internal sealed unsafe class HostBlocks(int blockBytes) : IDisposable
{
    // Long enough for pages of 2 MB, which the allocator asks for where workers run with them.
    private const int BlocksOfSlab = 32;

    private readonly List<nint> _slabs = [];
    private readonly Stack<nint> _free = new();

    /// <summary>A block, with whatever was in it before.</summary>
    public nint Take()
    {
        if (_free.Count == 0)
        {
            var slab = (nint)NativeMemory.Alloc(BlocksOfSlab, (nuint)blockBytes);
            _slabs.Add(slab);
            for (var block = BlocksOfSlab - 1; block >= 0; block--)
                _free.Push(slab + ((nint)block * blockBytes));
        }

        return _free.Pop();
    }

    public void Return(nint block) => _free.Push(block);

    public void Dispose() => _slabs.ForEach(slab => NativeMemory.Free((void*)slab));
}
