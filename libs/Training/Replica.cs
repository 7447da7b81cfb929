using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// One rank's part of model and optimizer in flat float32 buffers: parameters, gradients, first and second moment. Every parameter and every
/// gradient that libtorch sees is a view of these, so a reduction, an update, a checkpoint or a state transfer touches tensor memory directly.
/// Not safe for use from several threads at once.
/// </summary>
public sealed class Replica : IDisposable
{
    private readonly Tensor _parameters;
    private readonly Tensor _gradients;
    private readonly OptimizerState _optimizer;
    private readonly OptimizerState? _backup;
    private readonly List<Tensor> _views = [];
    private readonly ReplicaMemory _memory;
    private readonly StageRunner _stage;
    private readonly GradientReduction _reduction;
    private IReplicaFollower? _follower;
    private NormPartition? _norm;

    /// <summary>Makes a replica of the byte-level GPT at step 0.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="layout">Degrees of parallelism; absent for the whole model.</param>
    /// <param name="position">Where the rank stands in the layout.</param>
    /// <param name="device">Where tensors live.</param>
    /// <exception cref="ArgumentException">Shape, recipe or layout are out of range, or the device is not the CPU.</exception>
    /// <exception cref="InvalidOperationException">libtorch cannot be held to one intra-op thread.</exception>
    public Replica(ModelShape shape, TrainingRecipe recipe, ParallelLayout? layout = null, RankPosition position = default, Device? device = null)
        : this(new ByteGpt(shape), recipe, layout ?? new ParallelLayout(1), position, device)
    {
    }

    /// <summary>Makes one rank's part of a model at step 0; its parameters are a function of model, seed and position alone.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="layout">Degrees of parallelism; the data-parallel one matters only where the optimizer is sharded.</param>
    /// <param name="position">Where the rank stands in the layout.</param>
    /// <param name="device">Where tensors live; CPU (the default) is what collectives can reach.</param>
    /// <exception cref="ArgumentException">Recipe or layout do not fit the model, or the device is not the CPU.</exception>
    /// <exception cref="InvalidOperationException">libtorch cannot be held to one intra-op thread.</exception>
    public Replica(IModel model, TrainingRecipe recipe, ParallelLayout layout, RankPosition position, Device? device = null)
        : this(model, recipe, layout, position, new ReplicaMemory(), device) => Initialize();

    /// <summary>Makes one rank's part of a model in memory that is there; its parameters are zeros until they are initialized, loaded or received.</summary>
    internal Replica(IModel model, TrainingRecipe recipe, ParallelLayout layout, RankPosition position, ReplicaMemory memory, Device? device = null)
    {
        device ??= CPU;
        _memory = memory;
        if (device.type != DeviceType.CPU)
            throw new ArgumentException($"Collectives and state transfers read tensor memory on the host; a replica on {device} has none.", nameof(device));
        recipe.Validate();
        ComputeThread.HoldToOneThread();
        (Model, Recipe, Parallelism, Position) = (model, recipe, layout, position);
        Layout = new ParameterLayout(model, layout, position);

        _parameters = memory.Take(MemoryOwner.Parameters, 0, Layout.FlatLength, device);
        _gradients = memory.Take(MemoryOwner.Gradients, 0, Layout.FlatLength + 1, device);
        _reduction = new GradientReduction(Layout, recipe, _gradients, bucket => Follower?.GradientsReduced(Step, bucket.Start, bucket.Length));
        if (recipe.ShardOptimizer)
        {
            _optimizer = new OptimizerState(Layout, PartsOf(position.Dp), memory, MemoryOwner.Moments, device);
            if (layout.Dp > 1)
                _backup = new OptimizerState(Layout, PartsOf(Predecessor), memory, MemoryOwner.BackupMoments, device);
        }
        else
        {
            _optimizer = new OptimizerState(Layout, [new FlatPart(0, Layout.FlatLength)], memory, MemoryOwner.Moments, device);
        }

        var byName = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var slot in Layout.Slots)
        {
            using var scope = NewDisposeScope();
            var view = View(_parameters, slot).detach();
            view.requires_grad = true;
            view.grad = View(_gradients, slot);
            byName[slot.Name] = view.DetachFromDisposeScope();
            _views.Add(view);
        }

        _stage = new StageRunner(model, recipe, layout, position, Layout.Stage, name => byName[name], _gradients, device);
    }

    /// <summary>The whole model.</summary>
    public IModel Model { get; }

    /// <summary>How it is trained.</summary>
    public TrainingRecipe Recipe { get; }

    /// <summary>Degrees of parallelism that the replica was made for.</summary>
    public ParallelLayout Parallelism { get; }

    /// <summary>Where the rank stands in them.</summary>
    public RankPosition Position { get; }

    /// <summary>Where each named parameter lies in the flat buffers.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Number of trainable parameters that this rank holds.</summary>
    public long Parameters => Layout.Parameters;

    /// <summary>
    /// Completed optimizer steps, which is also the index of the next one. With the seed it is the whole random state. Whoever sets it has changed the parameters: passes that were stopped are
    /// forgotten.
    /// </summary>
    public long Step
    {
        get;
        set
        {
            field = value;
            ForgetStoppedPasses();
        }
    }

    /// <summary>
    /// With a sharded optimizer: the last update was applied to this rank's part and to its predecessor's, but the other parts were not gathered yet. <see cref="GatherParameters"/> must
    /// run, on whatever groups, before the next step is applied. Always false where the optimizer is not sharded.
    /// </summary>
    public bool AwaitsParameters
    {
        get;
        set => field = value && _backup is not null;
    }

    /// <summary>Flat parameters.</summary>
    public Span<float> ParameterData => Data(_parameters);

    /// <summary>Flat gradients; the last element is the slot for the loss, so that one reduction carries both.</summary>
    public Span<float> Gradients => Data(_gradients);

    /// <summary>First moment of AdamW: flat like the parameters, or this rank's parts of it one behind the other where the optimizer is sharded.</summary>
    public Span<float> FirstMoment => Data(_optimizer.First);

    /// <summary>Second moment of AdamW, laid out like the first.</summary>
    public Span<float> SecondMoment => Data(_optimizer.Second);

    /// <summary>Memory of the flat parameters. Like all regions it is tensor memory, valid until the replica is disposed; <see cref="Step"/> travels beside it.</summary>
    public MemoryRegion ParameterRegion => Region(_parameters);

    /// <summary>Memory of first and second moment.</summary>
    public IReadOnlyList<MemoryRegion> MomentRegions => [Region(_optimizer.First), Region(_optimizer.Second)];

    /// <summary>Second copy of the moments of the data-parallel predecessor (rank - 1, round the ring): first and second; empty where the optimizer is not sharded.</summary>
    public IReadOnlyList<MemoryRegion> BackupMomentRegions => _backup is null ? [] : [Region(_backup.First), Region(_backup.Second)];

    /// <summary>Memory of the gradient buffer, loss slot included.</summary>
    public MemoryRegion GradientRegion => Region(_gradients);

    /// <summary>Device memory of parameters, gradients and moments, in bytes.</summary>
    public long Bytes => ParameterRegion.Length + GradientRegion.Length + MomentRegions.Concat(BackupMomentRegions).Sum(region => region.Length);

    /// <summary>Who learns what the optimizer consumes; null for nobody.</summary>
    internal IReplicaFollower? Follower
    {
        get => Volatile.Read(ref _follower);
        set => Volatile.Write(ref _follower, value);
    }

    /// <summary>Gives the parameters their first values, which are a function of model, seed and position alone.</summary>
    internal void Initialize()
    {
        ForgetStoppedPasses();
        foreach (var slot in Layout.Slots)
            InitialValues.Fill(ParameterData.Slice(slot.Offset, slot.Count), slot.Spec, Recipe.Seed, Position.Tp, Parallelism.Tp);
    }

    /// <summary>Parameters are about to be overwritten, or the replica is given to another rank: passes that a failure stopped begin anew, and what was kept for them is freed.</summary>
    internal void ForgetStoppedPasses() => _stage.Forget();

    /// <summary>
    /// Forward and backward passes over this rank's share of a step, without any reduction over replicas; gradients of earlier passes are discarded, parameters stay as they are. Where the
    /// rank holds a whole model, passes that a failure of the groups stopped between two layers go on there when they are called for again, with the same bits.
    /// </summary>
    /// <param name="data">What is trained on.</param>
    /// <param name="step">Step, from 0; with the seed it decides data and dropout masks.</param>
    /// <param name="groups">This rank's groups; those of its model are used.</param>
    /// <returns>This rank's share of the loss in nats per byte, which is also left in the loss slot; 0 unless it is on the last stage.</returns>
    public float ForwardBackward(ITrainingData data, long step, IRankGroups groups)
    {
        RequireFit(groups);
        RunPasses(data, step, groups, finished: null);
        return Gradients[^1];
    }

    /// <summary>Applies the update of a step to parameters and moments in place and counts the step. Allocates nothing.</summary>
    /// <param name="step">Step, from 0; must be the next one.</param>
    /// <param name="norm">Global norm of the averaged gradient, from the commit of the step: here, or on a rank on which it returned.</param>
    /// <param name="ranks">Number of data-parallel ranks whose gradients were summed.</param>
    /// <exception cref="InvalidOperationException"><paramref name="step"/> is not the next step: applying it would count an update twice or leave one out.</exception>
    /// <exception cref="NonFiniteGradientException">The gradient is not finite; nothing was changed.</exception>
    public void ApplyUpdate(long step, double norm, int ranks)
    {
        if (step != Step)
            throw new InvalidOperationException($"Step {step} cannot be applied to a replica that has completed {Step} steps.");
        if (!double.IsFinite(norm))
            throw new NonFiniteGradientException(step, norm);
        var scalars = AdamWStep.Of(Recipe, step, norm, ranks);
        var follower = Follower;
        follower?.Updating(step, norm, ranks);
        _optimizer.Update(scalars, ParameterData, Gradients[..^1]);
        _backup?.Update(scalars, ParameterData, Gradients[..^1]);
        AwaitsParameters = true;
        Step = step + 1;
        if (!AwaitsParameters)
            follower?.Updated(step);
    }

    /// <summary>Applies a step of another replica to what is followed of it, from its gradients.</summary>
    /// <param name="step">The step.</param>
    /// <param name="norm">Global norm of its averaged gradient.</param>
    /// <param name="ranks">Number of data-parallel ranks whose gradients were summed.</param>
    /// <param name="from">First element that is followed.</param>
    /// <param name="landing">Where its gradients have arrived.</param>
    internal void ApplyFollowed(long step, double norm, int ranks, int from, Tensor landing)
    {
        var scalars = AdamWStep.Of(Recipe, step, norm, ranks);
        var gradients = Data(landing)[..Layout.FlatLength];
        _optimizer.Update(scalars, ParameterData, gradients, from);
        _backup?.Update(scalars, ParameterData, gradients, from);
        Step = step + 1;
    }

    /// <summary>Runs of the flat parameters that this rank's own updates change, and those that come from other ranks; both ascending.</summary>
    internal (IReadOnlyList<FlatPart> Updated, IReadOnlyList<FlatPart> Gathered) ParameterRuns()
    {
        FlatPart[] updated = [.. _optimizer.Parts.Concat(_backup?.Parts ?? []).OrderBy(part => part.Start)];
        var gathered = new List<FlatPart>();
        var start = 0;
        foreach (var end in updated.Append(new FlatPart(Layout.FlatLength, 0)))
        {
            if (end.Start > start)
                gathered.Add(new FlatPart(start, end.Start - start));
            start = end.End;
        }

        return (updated, gathered);
    }

    /// <summary>Memory of a run of the parameters and of all moments here that belong to it, in the order in which it travels.</summary>
    internal IEnumerable<MemoryRegion> StateOf(FlatPart run)
    {
        yield return At(ParameterRegion, run);
        foreach (var state in _backup is null ? (OptimizerState[])[_optimizer] : [_optimizer, _backup])
        {
            foreach (var moments in state.MomentsOf(run))
            {
                yield return At(Region(state.First), moments);
                yield return At(Region(state.Second), moments);
            }
        }
    }

    /// <summary>With a sharded optimizer: gives every data-parallel rank the parts that the others updated. Does nothing where none is awaited.</summary>
    /// <param name="groups">This rank's groups.</param>
    /// <exception cref="CollectiveException">A group has failed; the call can be repeated on the next generation's.</exception>
    public void GatherParameters(IRankGroups groups)
    {
        if (!AwaitsParameters)
            return;
        // Passes that were stopped stay good: parameters of a step that are gathered once more are the bits that are there.
        foreach (var bucket in _reduction.Buckets)
            groups.DataParallel.AllGather(ParameterData.Slice(bucket.Start, bucket.Length));
        AwaitsParameters = false;
        Follower?.Updated(Step - 1);
    }

    /// <summary>With a sharded optimizer: every rank takes a second copy of its predecessor's moments, for instance after some rank was replaced. Otherwise does nothing.</summary>
    /// <param name="groups">This rank's groups.</param>
    /// <exception cref="CollectiveException">A group has failed.</exception>
    public void RefreshBackup(IRankGroups groups)
    {
        if (_backup is null)
            return;
        groups.DataParallel.Shift(_optimizer.First.bytes, _backup.First.bytes);
        groups.DataParallel.Shift(_optimizer.Second.bytes, _backup.Second.bytes);
    }

    /// <summary>Mean loss over data-parallel ranks, once the gradients were reduced; 0 unless this rank is on the last stage.</summary>
    /// <param name="ranks">Number of data-parallel ranks.</param>
    public float ReducedLoss(int ranks) => Gradients[^1] / ranks;

    /// <summary>This rank's share of the squared norm of the reduced, not yet averaged gradients, for an optimizer that is not sharded.</summary>
    /// <param name="ranks">Number of data-parallel ranks.</param>
    public double SquaredNorm(int ranks) => PartitionFor(ranks).SquaredNorm(Gradients[..^1]);

    /// <summary>SHA-256 over parameters, moments, completed steps and seed, lower-case hexadecimal: two replicas with equal digests go on alike for ever.</summary>
    public string Digest()
    {
        Span<byte> state = stackalloc byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(state, Step);
        BinaryPrimitives.WriteUInt64LittleEndian(state[sizeof(long)..], Recipe.Seed);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_parameters.bytes);
        hash.AppendData(_optimizer.First.bytes);
        hash.AppendData(_optimizer.Second.bytes);
        hash.AppendData(state);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 over this rank's own moments.</summary>
    public string DigestOfMoments() => HashOf(_optimizer);

    /// <summary>SHA-256 over the copy of the predecessor's moments: equal to its <see cref="DigestOfMoments"/>. Null where there is none.</summary>
    public string? DigestOfBackup() => _backup is null ? null : HashOf(_backup);

    /// <summary>SHA-256 over the gradient buffer, loss slot included, lower-case hexadecimal. Where the optimizer is sharded, over what of it is reduced: this rank's parts and its predecessor's.</summary>
    public string DigestOfGradients()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IEnumerable<FlatPart> parts = _backup is null ? [new FlatPart(0, Layout.FlatLength)] : PartsOf(Position.Dp).Concat(PartsOf(Predecessor));
        foreach (var part in parts)
            hash.AppendData(MemoryMarshal.AsBytes(Gradients.Slice(part.Start, part.Length)));
        hash.AppendData(MemoryMarshal.AsBytes(Gradients[^1..]));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Frees the tensors; spans and regions handed out before are then invalid. Waits for a reduction that a failed step left behind, which ends with its group.</summary>
    public void Dispose() => Vacate().Dispose();

    /// <summary>Ends the replica and leaves its memory to the next one.</summary>
    internal ReplicaMemory Vacate()
    {
        _reduction.Dispose();
        _stage.Dispose();
        foreach (var view in _views)
            view.Dispose();
        _parameters.Dispose();
        _gradients.Dispose();
        _optimizer.Dispose();
        _backup?.Dispose();
        return _memory;
    }

    /// <summary>Counts a step without its update: replicas that have applied it are no replicas of this one any more.</summary>
    internal void PassOver(long step) => Step = step + 1;

    /// <summary>Where gradients that are followed arrive; the caller's to dispose.</summary>
    /// <param name="inGradientBuffer">In the gradient buffer, which is idle until the replica trains; else in memory of their own.</param>
    internal Tensor TakeLanding(bool inGradientBuffer) =>
        inGradientBuffer ? _gradients.alias() : _memory.Take(MemoryOwner.Gradients, 1, Layout.FlatLength, _gradients.device);

    internal static Span<float> Data(Tensor flat) => MemoryMarshal.Cast<byte, float>(flat.bytes);

    internal void ReduceGradients(ITrainingData data, long step, IRankGroups groups)
    {
        RequireFit(groups);
        GatherParameters(groups);
        _reduction.Run(groups, finished => RunPasses(data, step, groups, finished));
    }

    internal CommitShare ShareOf(CommitBallot ballot, IRankGroups groups)
    {
        if (ballot.Generation < 0)
            throw new InvalidOperationException($"Generation {ballot.Generation} cannot be voted for.");
        var partition = PartitionFor(groups.DataParallel.Size);
        var gradients = Gradients[..^1];
        return new CommitShare(ballot, Recipe.ShardOptimizer ? partition.SquaredNorm(gradients, groups.DataParallel.Rank) : partition.SquaredNorm(gradients), Gradients[^1], Step);
    }

    private void RunPasses(ITrainingData data, long step, IRankGroups groups, Func<int, bool>? finished)
    {
        ComputeThread.HoldToOneThread();
        _stage.Run(data, step, groups, finished, DiscardGradients);
    }

    // As late as can be: whoever follows reads the gradients of the step before until then.
    private void DiscardGradients()
    {
        Follower?.GradientsDiscarded();
        Gradients[..^1].Clear();
    }

    private void RequireFit(IRankGroups groups)
    {
        var (layout, position) = (groups.Layout, groups.Position);
        var fits = layout.Pp == Parallelism.Pp && layout.Tp == Parallelism.Tp && position.Pp == Position.Pp && position.Tp == Position.Tp;
        if (!fits || (Recipe.ShardOptimizer && (layout.Dp != Parallelism.Dp || groups.DataParallel.Rank != Position.Dp)))
            throw new ArgumentException($"A replica for {Position} of {Parallelism} cannot train at {position} of {layout}.", nameof(groups));
    }

    // The data-parallel degree may change from one generation to the next.
    private NormPartition PartitionFor(int ranks) => _norm is { } norm && norm.Ranks == ranks ? norm : _norm = new NormPartition(Layout, _reduction.Buckets, ranks);

    private int Predecessor => (Position.Dp + Parallelism.Dp - 1) % Parallelism.Dp;

    private IEnumerable<FlatPart> PartsOf(int rank) => _reduction.Buckets.Select(bucket => bucket.PartOf(rank, Parallelism.Dp));

    private static Tensor View(Tensor flat, ParameterSlot slot) => flat.narrow(0, slot.Offset, slot.Count).view([.. slot.Dimensions]);

    private static string HashOf(OptimizerState optimizer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(optimizer.First.bytes);
        hash.AppendData(optimizer.Second.bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Memory of a run of a flat buffer of floats.</summary>
    internal static MemoryRegion At(MemoryRegion flat, FlatPart run) => new(flat.Address + ((nint)run.Start * sizeof(float)), (long)run.Length * sizeof(float));

    internal static unsafe MemoryRegion Region(Tensor flat)
    {
        var bytes = flat.bytes;
        return new MemoryRegion((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes)), bytes.Length);
    }
}
