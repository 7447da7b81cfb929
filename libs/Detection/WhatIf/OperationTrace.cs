namespace TrainMover.Detection.WhatIf;

/// <summary>One operation that a worker recorded.</summary>
/// <param name="DpRank">Data-parallel rank of the worker.</param>
/// <param name="Stage">Pipeline stage of the worker.</param>
/// <param name="Rank">Global rank of the worker.</param>
/// <param name="Step">Training step.</param>
/// <param name="Type">Type, one of <see cref="OperationTypes"/>.</param>
/// <param name="Start">Start in seconds on a clock that the workers share.</param>
/// <param name="Duration">Duration in seconds, waiting for others included.</param>
/// <param name="Sequence">Number among the operations of this type of the same worker and step, in the order of their starts.</param>
/// <param name="Chunk">Model chunk within the stage; -1 where it has none.</param>
/// <param name="GlobalChunk">Model chunk within the model; -1 where it has none.</param>
/// <param name="MicroBatch">Micro-batch; -1 where it has none.</param>
public readonly record struct Operation(
    int DpRank, int Stage, int Rank, int Step, string Type, double Start, double Duration, int Sequence, int Chunk, int GlobalChunk, int MicroBatch)
{
    /// <summary>End in seconds.</summary>
    public double End => Start + Duration;
}

/// <summary>The operations of some training steps of one job.</summary>
/// <param name="Operations">In any order.</param>
/// <param name="SequenceParallel">Workers that share each data-parallel rank's gradients beyond data parallelism (dsp size). Default 1.</param>
public sealed record OperationTrace(IReadOnlyList<Operation> Operations, int SequenceParallel = 1);

/// <summary>Types of operations, as the traces of StragglerAnalysis name them.</summary>
public static class OperationTypes
{
    /// <summary>Forward computation of a micro-batch.</summary>
    public const string ForwardCompute = "forward-compute";

    /// <summary>Backward computation of a micro-batch.</summary>
    public const string BackwardCompute = "backward-compute";

    /// <summary>Activations to the next stage.</summary>
    public const string ForwardSend = "forward-send";

    /// <summary>Activations from the stage before.</summary>
    public const string ForwardReceive = "forward-recv";

    /// <summary>Gradients to the stage before.</summary>
    public const string BackwardSend = "backward-send";

    /// <summary>Gradients from the next stage.</summary>
    public const string BackwardReceive = "backward-recv";

    /// <summary>Parameters from their owners, before the first forward computation.</summary>
    public const string ParamsAllGather = "params-all-gather";

    /// <summary>Gradients to their owners.</summary>
    public const string GradsReduceScatter = "grads-reduce-scatter";

    /// <summary>Gradients that are not sharded.</summary>
    public const string SeparateGradsAllReduce = "separate-grads-all-reduce";

    /// <summary>Gradients of layer norms, between tensor-parallel workers.</summary>
    public const string LayerNormGradsAllReduce = "layernorm-grads-all-reduce";

    /// <summary>Gradients of the embedding, between the first and the last stage.</summary>
    public const string EmbeddingGradsAllReduce = "embedding-grads-all-reduce";

    /// <summary>Norm and clipping of all gradients.</summary>
    public const string ClipGradients = "optimizer-clip-main-grad";

    /// <summary>Update of the parameters: the end of a step.</summary>
    public const string Optimizer = "optimizer";

    /// <summary>Garbage collection.</summary>
    public const string GarbageCollection = "gc";

    internal static bool IsPointToPoint(string type) => type is ForwardSend or ForwardReceive or BackwardSend or BackwardReceive;

    internal static bool IsAcrossReplicas(string type) => type is ParamsAllGather or GradsReduceScatter or SeparateGradsAllReduce or ClipGradients;

    internal static bool IsCompute(string type) => type is ForwardCompute or BackwardCompute;

    /// <summary>Operations whose usual duration is the mean of all; that of communication, which has long tails, is the median.</summary>
    internal static bool IsWork(string type) => !IsPointToPoint(type) && !IsAcrossReplicas(type) && type is not (LayerNormGradsAllReduce or EmbeddingGradsAllReduce);
}

/// <summary>The operations do not fit together. The message says which.</summary>
/// <param name="message">What is wrong.</param>
public sealed class TraceException(string message) : Exception(message);
