namespace TrainMover.Collectives;

/// <summary>
/// How often a rank looks again before it sleeps. Another rank, or training itself, often waits for the very core: so it spins shortly, and then gives the core away each time. Looking at
/// sockets costs calls of the system, and the system wakes well whoever waits for one: there it looks less often.
/// </summary>
internal struct Patience(bool looksAtSockets)
{
    private readonly int _spins = looksAtSockets ? 4 : 32;
    private readonly int _most = looksAtSockets ? 20 : 96;
    private int _spent;

    public readonly bool IsLeft => _spent < _most;

    public void Spend()
    {
        if (++_spent <= _spins)
            Thread.SpinWait(8);
        else
            Thread.Yield();
    }

    public void Renew() => _spent = 0;
}
