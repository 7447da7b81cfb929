namespace TrainMover.Training;

/// <summary>
/// What one rank puts into the commit collective of a step: that its own reductions are complete, and, while a migration is ordered, the generation
/// that it is ready to switch to. Both ride on one all-reduce (Min) of three float32 values, so the vote to switch costs no round trip of its own.
/// </summary>
/// <param name="Ready">This rank holds the reduced gradients and can apply the step.</param>
/// <param name="Generation">Generation to switch to after this step, 1 to 2^24; 0 while this rank has no order or is not ready.</param>
public readonly record struct CommitBallot(bool Ready, int Generation)
{
    /// <summary>Elements of the commit collective.</summary>
    public const int Length = 3;

    /// <summary>Highest generation that float32 carries exactly.</summary>
    public const int HighestGeneration = 1 << 24;

    /// <summary>Lays the ballot out for an all-reduce with Min: readiness, generation, minus generation.</summary>
    /// <param name="values">Receives <see cref="Length"/> values.</param>
    /// <exception cref="InvalidOperationException">The generation is negative or above <see cref="HighestGeneration"/>.</exception>
    public void Write(Span<float> values)
    {
        if (Generation is < 0 or > HighestGeneration)
            throw new InvalidOperationException($"Generation {Generation} cannot be voted for: it must be 0 to {HighestGeneration}.");
        values[0] = Ready ? 1f : 0f;
        values[1] = Generation;
        values[2] = -Generation;
    }
}

/// <summary>What the commit collective says, alike on every rank.</summary>
/// <param name="Passed">Every rank is ready: the step is to be applied.</param>
/// <param name="AgreedGeneration">Generation that every rank voted for: this boundary is the switch; 0 if there is none.</param>
public readonly record struct CommitVerdict(bool Passed, int AgreedGeneration)
{
    /// <summary>Reads the reduced values: the smallest and the largest vote are equal exactly where all ranks voted for the same generation.</summary>
    /// <param name="reduced">The <see cref="CommitBallot.Length"/> values after the all-reduce with Min.</param>
    public static CommitVerdict From(ReadOnlySpan<float> reduced)
    {
        var passed = reduced[0] >= 1f;
        var agreed = passed && reduced[1] > 0f && reduced[1] == -reduced[2];
        return new CommitVerdict(passed, agreed ? (int)reduced[1] : 0);
    }
}
