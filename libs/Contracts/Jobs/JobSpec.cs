namespace TrainMover.Contracts.Jobs;

/// <summary>Degrees of parallelism of a job; their product is the number of ranks.</summary>
/// <param name="Dp">Data-parallel degree, at least 1.</param>
/// <param name="Pp">Pipeline-parallel degree, at least 1.</param>
/// <param name="Tp">Tensor-parallel degree, at least 1.</param>
public sealed record JobLayout(int Dp, int Pp = 1, int Tp = 1)
{
    /// <summary>Number of ranks.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Ranks => Dp * Pp * Tp;
}

/// <summary>Shape of the byte-level GPT that a job trains.</summary>
/// <param name="Layers">Transformer blocks.</param>
/// <param name="Width">Embedding width; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Context">Context length in bytes.</param>
/// <param name="Dropout">Dropout probability, 0 (inclusive) to 1 (exclusive).</param>
public sealed record JobModel(int Layers = 5, int Width = 128, int Heads = 4, int Context = 64, float Dropout = 0.1f);

/// <summary>What a job trains, on what, and for how long. Data order and random state are functions of (seed, step) alone.</summary>
/// <param name="JobId">Unique name of the job; letters, digits and dashes.</param>
/// <param name="Layout">Degrees of parallelism.</param>
/// <param name="Steps">Optimizer steps to train.</param>
/// <param name="Seed">Seed of initial parameters, data order and dropout masks.</param>
/// <param name="BatchPerRank">Sequences per data-parallel rank and step.</param>
/// <param name="LearningRate">Peak learning rate of AdamW.</param>
/// <param name="Model">Shape of the model.</param>
/// <param name="DataFile">Path of the training text, readable by every machine.</param>
/// <param name="Directory">Folder on storage shared by the machines: initial checkpoint and the record of the first step.</param>
public sealed record JobSpec(
    string JobId,
    JobLayout Layout,
    int Steps,
    ulong Seed,
    int BatchPerRank,
    float LearningRate,
    JobModel Model,
    string DataFile,
    string Directory);

/// <summary>A rank's place: which machine holds it and where its worker listens.</summary>
/// <param name="Rank">Rank, from 0.</param>
/// <param name="MachineId">Machine that holds the rank.</param>
/// <param name="Host">Address of the worker's data-plane listener.</param>
/// <param name="Port">Port of that listener; it changes when the worker process is started anew.</param>
public sealed record RankPlace(int Rank, string MachineId, string Host, int Port);

/// <summary>Who holds which rank in one generation of a job.</summary>
/// <param name="Generation">Generation, from 1; every plan uses a new one, also after an abort.</param>
/// <param name="Ranks">Places ordered by rank.</param>
/// <param name="Key">Base64 of the 32-byte key with which members prove themselves in the connection hand-shake.</param>
public sealed record JobTopology(int Generation, IReadOnlyList<RankPlace> Ranks, string Key);
