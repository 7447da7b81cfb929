using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>One rank of a measurement: every call at every size, verified once and then timed in batches. Rank 0 writes a line per point, as openmpi.c does.</summary>
internal sealed unsafe class CallTimings(ICommunicator group, TextWriter output)
{
    public const long Smallest = 4 * 1024;
    public const long Largest = 64 * 1024 * 1024;
    public const int Factor = 4;
    private const int LargePage = 2 * 1024 * 1024;
    private const int MostBatches = 5;
    private const int LeastBatches = 3;
    private const double BatchSeconds = 0.020;
    private const int MostCalls = 2000;
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(5);
    private readonly int[] _plan = new int[2];
    private readonly double[] _seconds = new double[MostBatches];

    public static IReadOnlyList<string> Operations { get; } = ["all-reduce", "all-gather", "broadcast"];

    public void Run()
    {
        // As a job has its gradients: one registered buffer, of which calls take parts.
        var memory = (float*)NativeMemory.AlignedAlloc((nuint)Largest, LargePage);
        using (RegisteredMemory.Register(new MemoryRegion((nint)memory, Largest)))
        {
            new Span<float>(memory, (int)(Largest / sizeof(float))).Clear();
            WarmUp(memory);
            foreach (var operation in Operations)
            {
                for (var bytes = Smallest; bytes <= Largest; bytes *= Factor)
                    Measure(operation, memory, (int)(bytes / sizeof(float)));
            }
        }

        NativeMemory.AlignedFree(memory);
    }

    // All code is compiled before anything is counted, also what runs only while a rank waits for a late one, and sleeps.
    private void WarmUp(float* memory)
    {
        foreach (var operation in Operations)
        {
            for (var late = 0; late < group.Size; late++)
            {
                foreach (var bytes in new[] { (int)Smallest, LargePage })
                {
                    var entered = Stopwatch.GetTimestamp();
                    while (group.Rank == late && Stopwatch.GetElapsedTime(entered) < Lateness)
                        Thread.SpinWait(100);
                    Call(operation, memory, bytes / sizeof(float));
                }
            }
        }
    }

    private void Measure(string operation, float* memory, int count)
    {
        var right = Verify(operation, memory, count);
        var once = Batch(operation, memory, count, 1);
        (_plan[0], _plan[1]) = (Math.Clamp((int)(BatchSeconds / once), 1, MostCalls), once > BatchSeconds ? LeastBatches : MostBatches);
        group.Broadcast(MemoryMarshal.AsBytes(_plan.AsSpan()), 0);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var batch = 0; batch < _plan[1]; batch++)
            _seconds[batch] = Batch(operation, memory, count, _plan[0]);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // What any rank allocated counts, and what any rank has wrong.
        var most = Across(allocated, ReduceOperation.Max);
        var all = Across(right ? 1 : 0, ReduceOperation.Min);
        if (group.Rank != 0)
            return;
        var times = string.Join(' ', _seconds.Take(_plan[1]).Select(seconds => (seconds * 1e6).ToString("0.000", CultureInfo.InvariantCulture)));
        output.WriteLine($"point {operation} {(long)count * sizeof(float)} {all:0} {most:0} {times}");
        output.Flush();
    }

    private float Across(float value, ReduceOperation operation)
    {
        Span<float> one = [value];
        group.AllReduce(one, operation);
        return one[0];
    }

    private double Batch(string operation, float* memory, int count, int calls)
    {
        group.Barrier();
        var started = Stopwatch.GetTimestamp();
        for (var call = 0; call < calls; call++)
            Call(operation, memory, count);
        group.Barrier();
        return Stopwatch.GetElapsedTime(started).TotalSeconds / calls;
    }

    private void Call(string operation, float* memory, int count)
    {
        var buffer = new Span<float>(memory, count);
        switch (operation)
        {
            case "all-reduce":
                group.AllReduce(buffer, ReduceOperation.Sum);
                break;
            case "all-gather":
                group.AllGather(buffer);
                break;
            default:
                group.Broadcast(MemoryMarshal.AsBytes(buffer), 0);
                break;
        }
    }

    private bool Verify(string operation, float* memory, int count)
    {
        var each = count / group.Size;
        for (var index = 0; index < count; index++)
            memory[index] = operation == "all-gather" && index / each != group.Rank ? -1 : Value(group.Rank, index);
        Call(operation, memory, count);
        var right = true;
        for (var index = 0; index < count; index++)
        {
            right &= memory[index] == operation switch
            {
                "all-reduce" => (group.Size * (index % 1000)) + (group.Size * (group.Size - 1) / 2),
                "all-gather" => Value(index / each, index),
                _ => Value(0, index),
            };
            memory[index] = 0;
        }

        return right;
    }

    private static float Value(int rank, int index) => (index % 1000) + rank;
}
