namespace TrainMover.Detection.Campaigns;

/// <summary>
/// Random numbers that follow from a seed alone, on every machine and version of the framework (SplitMix64). What is drawn for one purpose does not move what is drawn for another: each has a
/// <see cref="For">fork</see> of its own. Not safe for use by several threads at once.
/// </summary>
/// <param name="seed">The seed.</param>
public sealed class Dice(ulong seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private const ulong HashStart = 14695981039346656037;
    private const ulong HashPrime = 1099511628211;
    private const int BitsOfDouble = 53;

    private readonly ulong _seed = seed;
    private ulong _state = seed;

    /// <summary>Dice for a purpose: they depend on this seed and the purpose, and not on what was drawn here.</summary>
    public Dice For(string purpose)
    {
        var hash = HashStart ^ _seed;
        foreach (var letter in purpose) hash = (hash ^ letter) * HashPrime;
        return new Dice(Mix(hash));
    }

    /// <summary>The next 64 bits.</summary>
    public ulong Bits() => Mix(_state += Golden);

    /// <summary>Evenly in 0 (inclusive) to 1 (exclusive).</summary>
    public double Part() => (Bits() >> (64 - BitsOfDouble)) * (1.0 / (1UL << BitsOfDouble));

    /// <summary>Evenly between two numbers.</summary>
    public double Between(double low, double high) => low + (Part() * (high - low));

    /// <summary>Evenly between two times.</summary>
    public TimeSpan Between(TimeSpan low, TimeSpan high) => low + (Part() * (high - low));

    /// <summary>Evenly among 0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(Part() * count);

    /// <summary>One of them, evenly.</summary>
    public T Pick<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    /// <summary>Whether something of this probability happens.</summary>
    public bool Happens(double probability) => Part() < probability;

    /// <summary>Normally distributed, mean 0, standard deviation 1.</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Part())) * Math.Cos(2 * Math.PI * Part());

    /// <summary>A factor around 1 whose logarithm is normally distributed.</summary>
    /// <param name="spread">Standard deviation of the logarithm.</param>
    public double Factor(double spread) => Math.Exp(spread * Normal());

    /// <summary>Exponentially distributed.</summary>
    public TimeSpan Wait(TimeSpan mean) => -Math.Log(1 - Part()) * mean;

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
