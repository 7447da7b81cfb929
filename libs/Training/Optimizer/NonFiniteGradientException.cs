namespace TrainMover.Training;

/// <summary>The reduced gradient of a step holds an infinity or a NaN. Parameters and moments are untouched, and every data-parallel rank sees the same.</summary>
/// <param name="step">Step that was not applied.</param>
/// <param name="norm">The global norm that came out.</param>
public sealed class NonFiniteGradientException(long step, double norm)
    : Exception($"The reduced gradient of step {step} is not finite (global norm {norm}); the update was not applied.")
{
    /// <summary>Step that was not applied.</summary>
    public long Step { get; } = step;

    /// <summary>The global norm that came out.</summary>
    public double Norm { get; } = norm;
}
