using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>Does, one after the other, what must not wait for a thread of the pool to get its turn: training stands still until it is done.</summary>
internal sealed class UrgentThread : IDisposable
{
    private readonly Mailbox<Action> _work = new();

    public UrgentThread()
    {
        new Thread(Run) { IsBackground = true, Name = "urgent" }.Start();
    }

    /// <summary>Without effect once it is disposed.</summary>
    public void Post(Action act) => _work.Post(act);

    public void Dispose() => _work.Close();

    private void Run()
    {
        ProcessorTurn.AskForNow();
        while (_work.Take() is { } act)
            act();
    }
}
