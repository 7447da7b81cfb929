using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>A thread that is there before it is needed: whoever begins one waits until it has had its first turn. What it is given begins before all that computes (<see cref="ProcessorTurn.AskForNow(bool)"/>).</summary>
internal sealed class SpareThread : IDisposable
{
    private readonly ManualResetEventSlim _begun = new(initialState: false, spinCount: 0);
    private readonly Thread _thread;
    private Action? _run;
    private string? _name;
    private int _taken;

    public SpareThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "spare" };
        _thread.Start();
    }

    /// <summary>Gives it what it does until it ends; null where it was given something before.</summary>
    public Thread? TryBegin(string name, Action run)
    {
        if (Interlocked.Exchange(ref _taken, 1) != 0)
            return null;
        (_name, _run) = (name, run);
        _begun.Set();
        return _thread;
    }

    /// <summary>Ends it where it was given nothing.</summary>
    public void Dispose() => _begun.Set();

    private void Run()
    {
        ProcessorTurn.AskForNow();
        _begun.Wait();
        if (_run is not { } run)
            return;
        Thread.CurrentThread.Name = _name;
        run();
    }
}
