using System.Runtime.ExceptionServices;

namespace TrainMover.Training.Session;

/// <summary>A thread that runs one thing at a time for its owner.</summary>
internal sealed class DeviceThread : IDisposable
{
    private readonly Lock _owner = new();
    private readonly SemaphoreSlim _begun = new(0);
    private readonly SemaphoreSlim _completed = new(0);
    private readonly Thread _thread;
    private Action? _act;
    private ExceptionDispatchInfo? _failure;

    public DeviceThread(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public void Begin(Action act)
    {
        lock (_owner)
            (_act, _failure) = (act, null);
        _begun.Release();
    }

    /// <summary>Waits for what was begun; the error that it ended with, if any.</summary>
    public ExceptionDispatchInfo? Complete()
    {
        _completed.Wait();
        lock (_owner)
            return _failure;
    }

    public void Dispose()
    {
        lock (_owner)
            _act = null;
        _begun.Release();
        _thread.Join();
        _begun.Dispose();
        _completed.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _begun.Wait();
            Action? act;
            lock (_owner)
                act = _act;
            if (act is null)
                return;
            try
            {
                act();
            }
            catch (Exception failure)
            {
                lock (_owner)
                    _failure = ExceptionDispatchInfo.Capture(failure);
            }

            _completed.Release();
        }
    }
}
