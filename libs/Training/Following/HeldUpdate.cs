namespace TrainMover.Training;

/// <summary>
/// The update of a step whose commit has passed and agreed on a switch: every rank applies it once the switch is done, as every rank has the summed gradients in place. So the switch does not wait for
/// optimizers, which take the longer the larger the model is.
/// </summary>
/// <param name="Step">The step, from 0; as many are applied.</param>
/// <param name="Norm">Global norm of its averaged gradient, finite.</param>
/// <param name="Replicas">Number of data-parallel ranks whose gradients were summed.</param>
internal sealed record HeldUpdate(long Step, double Norm, int Replicas)
{
    /// <summary>Applies it to a replica that holds the summed gradients.</summary>
    public void Apply(Replica replica) => replica.ApplyUpdate(Step, Norm, Replicas);
}
