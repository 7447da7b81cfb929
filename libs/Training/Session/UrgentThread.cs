using System.Collections.Concurrent;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>Does, one after the other, what must not wait for a thread of the pool to get its turn: training stands still until it is done.</summary>
internal sealed class UrgentThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    public UrgentThread()
    {
        new Thread(Run) { IsBackground = true, Name = "urgent" }.Start();
    }

    /// <summary>Without effect once it is disposed.</summary>
    public void Post(Action act)
    {
        try
        {
            _work.Add(act);
        }
        catch (InvalidOperationException)
        {
            // Nobody needs it any more.
        }
    }

    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        ProcessorTurn.AskForNow();
        foreach (var act in _work.GetConsumingEnumerable())
            act();
    }
}
