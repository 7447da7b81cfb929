namespace TrainMover.Collectives.Tests.Failures;

/// <summary>Every collective once, large enough that it cannot end while one rank stays away.</summary>
internal static class Calls
{
    public const int Floats = 4_000_000;

    public static TheoryData<string> Names => ["sum", "lent sum", "lent parts", "lent broadcast", "rounded sum", "scatter", "parts", "gather", "broadcast", "few bytes", "shift", "barrier"];

    /// <summary>Sums until the group fails; says so once it runs.</summary>
    public static void SumForever(ICommunicator group, CountdownEvent running)
    {
        var buffer = new float[70_001];
        for (var call = 0; ; call++)
        {
            group.AllReduce(buffer, ReduceOperation.Sum);
            if (call == 3)
                running.Signal();
        }
    }

    public static void Run(string name, ICommunicator group)
    {
        switch (name)
        {
            case "sum":
                group.AllReduce(new float[Floats], ReduceOperation.Sum);
                break;
            case "lent sum" or "lent parts" or "lent broadcast":
                Lend(name, group);
                break;
            case "rounded sum":
                group.AllReduce(new float[Floats], ReduceOperation.Sum, WireFormat.BFloat16);
                break;
            case "scatter":
                group.ReduceScatter(new float[Floats]);
                break;
            case "parts":
                group.AllGather(new float[Floats]);
                break;
            case "few bytes":
                group.AllReduce(new float[7], ReduceOperation.Sum);
                break;
            case "shift":
                // Who is not beside the one that stays away may get through.
                group.Shift(new byte[Floats * 4], new byte[Floats * 4]);
                group.Barrier();
                break;
            case "gather":
                group.AllGather(new byte[Floats], new byte[Floats * group.Size]);
                break;
            case "broadcast":
                group.Broadcast(new byte[Floats * 4], 2);
                group.Barrier();
                break;
            default:
                group.Barrier();
                break;
        }
    }

    private static void Lend(string name, ICommunicator group)
    {
        using var memory = new Registered(Floats * sizeof(float));
        if (name == "lent sum")
            group.AllReduce(memory.Floats, ReduceOperation.Sum);
        else if (name == "lent parts")
            group.AllGather(memory.Floats);
        else
            group.Broadcast(memory.Bytes, 2);
        group.Barrier();
    }
}
