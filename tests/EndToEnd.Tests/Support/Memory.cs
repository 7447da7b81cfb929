using System.Globalization;

namespace TrainMover.EndToEnd.Tests.Support;

/// <summary>Memory of a process as the kernel counts it, in bytes.</summary>
internal sealed class Memory(int pid)
{
    // proc(5): the peak begins anew with what is resident now.
    private const string ResetPeak = "5";

    /// <summary>Resident at this moment.</summary>
    public long Resident => Read("VmRSS:");

    /// <summary>Most that was resident since the start, or since <see cref="BeginAsync"/>.</summary>
    public long Peak => Read("VmHWM:");

    /// <summary>Lets the peak begin anew; returns what is resident now.</summary>
    public async Task<long> BeginAsync()
    {
        await File.WriteAllTextAsync($"/proc/{pid}/clear_refs", ResetPeak);
        return Resident;
    }

    private long Read(string name)
    {
        var line = File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }
}
