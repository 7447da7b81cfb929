using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>The groups of a rank, which fail between two calls: when they are asked for the given time, from 1; never if that is null.</summary>
internal sealed class FailingGroups(int? failAt, ThreadGroups? inner = null) : IRankGroups
{
    private readonly ThreadGroups _inner = inner ?? ThreadGroups.Alone;

    public int Asked { get; private set; }

    public ParallelLayout Layout => _inner.Layout;

    public int Rank => _inner.Rank;

    public ICommunicator DataParallel => _inner.DataParallel;

    public ICommunicator TensorParallel => _inner.TensorParallel;

    public ICommunicator ModelParallel => _inner.ModelParallel;

    public ICommunicator? Previous => _inner.Previous;

    public ICommunicator? Next => _inner.Next;

    public ICommunicator? Embedding => _inner.Embedding;

    public void ThrowIfFailed()
    {
        if (++Asked != failAt)
            return;
        if (_inner.Layout.Size > 1)
            _inner.Fail("pulled");
        throw new CollectiveException(new GroupFailure(FailureKind.Ordered, null, null, "pulled", Stopwatch.GetTimestamp()));
    }
}
