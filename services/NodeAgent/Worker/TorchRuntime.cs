using System.Runtime.InteropServices;
using TorchSharp;

namespace TrainMover.Worker;

/// <summary>Loads libtorch, or says what the machine lacks.</summary>
internal static class TorchRuntime
{
    private const string NeededSymbols = "GLIBCXX_3.4.32";

    /// <summary>Loads libtorch and computes once, so that a later order finds a warm process.</summary>
    public static void Load()
    {
        try
        {
            torch.set_num_threads(1);
            using var scope = torch.NewDisposeScope();
            _ = torch.ones(4, 4).matmul(torch.ones(4, 4)).sum().item<float>();
        }
        catch (Exception failure) when (failure is DllNotFoundException or NotSupportedException or TypeInitializationException)
        {
            throw new PlatformNotSupportedException(Advice(failure), failure);
        }
    }

    private static string Advice(Exception failure) =>
        HasNeededSymbols()
            ? $"libtorch cannot be loaded: {failure.GetBaseException().Message}"
            : $"libtorch cannot be loaded: libstdc++.so.6 of this machine lacks {NeededSymbols}. " +
              "Ubuntu 24.04 and Debian 13 have it; on Debian 12 install libstdc++6 from trixie.";

    private static bool HasNeededSymbols()
    {
        // The library is mapped by now: its own file says which versions it has.
        if (!NativeLibrary.TryLoad("libstdc++.so.6", out _))
            return false;
        var mapped = File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(path => path.Contains("libstdc++.so", StringComparison.Ordinal));
        return mapped is not null && File.ReadAllBytes(mapped).AsSpan().IndexOf("GLIBCXX_3.4.32"u8) >= 0;
    }
}
