using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>A replica's state in host memory, taken between two steps, so that it can be written while training goes on. The memory is used again by the next snapshot.</summary>
internal sealed class CheckpointSnapshot
{
    private byte[][] _tensors = [];
    private CheckpointInfo? _info;
    private IReadOnlyList<CheckpointTensor> _names = [];

    /// <summary>Copies the state.</summary>
    public void Take(Replica replica, string job)
    {
        _names = CheckpointTensors.Of(replica);
        if (_tensors.Length != _names.Count)
            _tensors = [.. _names.Select(tensor => new byte[tensor.In(replica).Length * sizeof(float)])];
        for (var index = 0; index < _tensors.Length; index++)
            MemoryMarshal.AsBytes(_names[index].In(replica)).CopyTo(_tensors[index]);
        _info = new CheckpointInfo(job, replica.Step, replica.Recipe.Seed, CheckpointHeader.NoChecksum);
    }

    /// <summary>Writes the state as <see cref="Checkpoint.Save"/> does.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string file) => Checkpoint.Write(file, _info!, _names, use =>
    {
        foreach (var tensor in _tensors)
            use(tensor);
    });
}
