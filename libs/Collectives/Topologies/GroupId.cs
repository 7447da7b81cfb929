namespace TrainMover.Collectives;

/// <summary>What the ranks of a communication group share.</summary>
public enum GroupKind
{
    /// <summary>Same stage and tensor-parallel coordinate: replicas of the same parameters. Gradients are summed here.</summary>
    DataParallel,

    /// <summary>Same stage and data-parallel coordinate: parts of the same layers. Activations are summed here.</summary>
    TensorParallel,

    /// <summary>Same data-parallel coordinate: together one whole model. Norm and commit run here.</summary>
    ModelParallel,

    /// <summary>Two neighbouring stages: activations go one way, their gradients the other.</summary>
    Stages,

    /// <summary>First and last stage, which hold the tied embedding twice: its gradients are summed here.</summary>
    Embedding,
}

/// <summary>Name of a communication group, the same on every rank and in every generation of a job.</summary>
/// <param name="Kind">What its ranks share.</param>
/// <param name="First">Its lowest rank.</param>
public readonly record struct GroupId(GroupKind Kind, int First);
