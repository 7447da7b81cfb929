namespace TrainMover.Collectives;

/// <summary>
/// How long a rank looks again before it sleeps. Another rank, or training itself, often waits for the very core: so it spins shortly, and then gives the core away each time.
/// </summary>
internal struct Patience
{
    private const int Spins = 32;
    private const int Yields = 64;
    private int _spent;

    public readonly bool IsLeft => _spent < Spins + Yields;

    public void Spend()
    {
        if (++_spent <= Spins)
            Thread.SpinWait(8);
        else
            Thread.Yield();
    }
}
