namespace TrainMover.Collectives;

/// <summary>
/// How often a rank looks again before it sleeps. Where every rank of the group may have a core it spins shortly; then, and where ranks share cores, it gives its core away each time. Looking at
/// sockets costs calls of the system, but less than a core that halts and is woken.
/// </summary>
internal struct Patience(bool looksAtSockets, int ranks)
{
    private const int YieldsOnSockets = 200;
    private const int YieldsOnMemory = 128;
    private static readonly int Cores = Environment.ProcessorCount;
    private readonly int _spins = ranks > Cores ? 0 : looksAtSockets ? 4 : 200;
    private readonly int _yields = looksAtSockets ? YieldsOnSockets : YieldsOnMemory;
    private int _spent;

    public readonly bool IsLeft => _spent < _spins + _yields;

    public void Spend()
    {
        if (++_spent <= _spins)
            Thread.SpinWait(1);
        else
            Thread.Yield();
    }

    public void Renew() => _spent = 0;
}
