namespace TrainMover.Contracts.Jobs;

/// <summary>
/// Degrees of parallelism of a job; their product is the number of ranks. Ranks are numbered with the tensor-parallel coordinate running fastest, then the data-parallel one,
/// then the pipeline stage.
/// </summary>
/// <param name="Dp">Data-parallel degree, at least 1.</param>
/// <param name="Pp">Pipeline-parallel degree, at least 1.</param>
/// <param name="Tp">Tensor-parallel degree, at least 1.</param>
public sealed record JobLayout(int Dp, int Pp = 1, int Tp = 1)
{
    /// <summary>Number of ranks.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Ranks => Dp * Pp * Tp;

    /// <summary>The rank whose parameters are the same as those of <paramref name="rank"/>, at another data-parallel coordinate.</summary>
    /// <param name="rank">A rank.</param>
    /// <param name="dp">Data-parallel coordinate; taken modulo <see cref="Dp"/>.</param>
    public int Replica(int rank, int dp) => rank + (((((dp % Dp) + Dp) % Dp) - CoordinateOf(rank)) * Tp);

    /// <summary>Data-parallel coordinate of a rank.</summary>
    public int CoordinateOf(int rank) => rank / Tp % Dp;
}

/// <summary>Techniques of the paper, and following, that a job may do without: for measuring what each of them saves.</summary>
/// <param name="TwoPhaseGroups">Off: nothing is prepared; all groups are made anew while training stands still, and nobody is followed.</param>
/// <param name="Sandbox">Off: a joiner runs no shadow iteration, neither as standby nor in the preparation; its first step is its first.</param>
/// <param name="Following">Off: the leaver's whole state is copied while training stands still.</param>
/// <param name="ArmedStandby">Off: after a failure the plan comes from the control plane, while training stands still; nobody holds one before.</param>
/// <param name="HotStandby">Off: an armed standby follows nobody, and the state of a lost machine's ranks is copied from the others while training stands still.</param>
public sealed record JobTechniques(bool TwoPhaseGroups = true, bool Sandbox = true, bool Following = true, bool ArmedStandby = true, bool HotStandby = true);

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
/// <param name="Directory">Folder on storage shared by the machines: checkpoints and the records of the first step.</param>
/// <param name="MicroBatches">Parts of a rank's batch that follow each other through the pipeline; divides <paramref name="BatchPerRank"/>.</param>
/// <param name="DevicesPerMachine">Ranks per machine, a multiple of the tensor-parallel degree; absent: the tensor-parallel degree.</param>
/// <param name="ShardOptimizer">ZeRO-1: each data-parallel rank keeps the optimizer state of its part only, and a second copy of its neighbour's.</param>
/// <param name="CheckpointEvery">Steps between two checkpoints; 0: only the initial one.</param>
/// <param name="Techniques">Techniques to do without; absent: none.</param>
public sealed record JobSpec(
    string JobId,
    JobLayout Layout,
    int Steps,
    ulong Seed,
    int BatchPerRank,
    float LearningRate,
    JobModel Model,
    string DataFile,
    string Directory,
    int MicroBatches = 1,
    int? DevicesPerMachine = null,
    bool ShardOptimizer = false,
    int CheckpointEvery = 0,
    JobTechniques? Techniques = null)
{
    /// <summary>Ranks per machine.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Devices => DevicesPerMachine ?? Layout.Tp;

    /// <summary>Number of machines that the job trains on.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Machines => Layout.Ranks / Devices;
}

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
public sealed record JobTopology(int Generation, IReadOnlyList<RankPlace> Ranks, string Key)
{
    /// <summary>Machines in the order of their lowest ranks.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Machines => [.. Ranks.Select(place => place.MachineId).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether a machine holds a rank.</summary>
    public bool Has(string machineId) => Ranks.Any(place => place.MachineId == machineId);

    /// <summary>Ranks of a machine, ascending.</summary>
    public IReadOnlyList<int> RanksOf(string machineId) => [.. Ranks.Where(place => place.MachineId == machineId).Select(place => place.Rank)];
}
