using System.Runtime.ExceptionServices;

namespace TrainMover.Training.Session;

/// <summary>
/// The ranks of this machine, one thread per device. The first one computes on the caller's thread; the threads of the others are kept, as libtorch keeps memory and settings
/// by thread.
/// </summary>
internal sealed class LocalRanks : IDisposable
{
    private readonly DeviceThread[] _threads;

    public LocalRanks(IReadOnlyList<LocalRank> ranks)
    {
        All = ranks;
        _threads = [.. ranks.Skip(1).Select((rank, index) => new DeviceThread($"device {index + 1}"))];
    }

    public IReadOnlyList<LocalRank> All { get; }

    public LocalRank First => All[0];

    public IReadOnlyList<int> Numbers => [.. All.Select(rank => rank.Rank)];

    public int IndexOf(LocalRank rank) => Array.IndexOf([.. All], rank);

    public LocalRank? this[int rank] => All.FirstOrDefault(local => local.Rank == rank);

    /// <summary>Runs something for each rank at once and returns when all are done. What fails first in rank order is thrown.</summary>
    public T[] Run<T>(Func<LocalRank, T> act)
    {
        var results = new T[All.Count];
        for (var index = 1; index < All.Count; index++)
        {
            var (place, rank) = (index, All[index]);
            _threads[index - 1].Begin(() => results[place] = act(rank));
        }

        ExceptionDispatchInfo? failure = null;
        try
        {
            results[0] = act(First);
        }
        catch (Exception broken)
        {
            failure = ExceptionDispatchInfo.Capture(broken);
        }

        foreach (var thread in _threads)
        {
            var broken = thread.Complete();
            failure ??= broken;
        }

        failure?.Throw();
        return results;
    }

    public void Dispose()
    {
        foreach (var thread in _threads)
            thread.Dispose();
        foreach (var rank in All)
            rank.Dispose();
    }
}
