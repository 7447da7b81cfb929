using System.Text;

namespace TrainMover.Training;

/// <summary>Draws the first values of a parameter, or of a part of it: a function of seed, name and element of the whole parameter.</summary>
internal static class InitialValues
{
    private const int ElementsPerBlock = 4;

    public static void Fill(Span<float> values, ParameterSpec spec, ulong seed, int tensorIndex, int tensorDegree)
    {
        if (spec.Initial != InitialValue.Random)
        {
            values.Fill(spec.Initial == InitialValue.One ? 1f : 0f);
            return;
        }

        // Uniform, not normal: no logarithm or cosine whose last bit depends on the platform.
        var scale = spec.Deviation * MathF.Sqrt(3f) / (1 << 23);
        var name = NameHash(spec.Name);
        var filled = 0;
        foreach (var (whole, count) in spec.RunsOf(tensorIndex, tensorDegree))
        {
            FillRun(values.Slice(filled, count), whole, name, seed, scale);
            filled += count;
        }
    }

    private static void FillRun(Span<float> values, long whole, ulong name, ulong seed, float scale)
    {
        Span<uint> words = stackalloc uint[ElementsPerBlock];
        var drawn = -1L;
        for (var i = 0; i < values.Length; i++)
        {
            var block = (whole + i) / ElementsPerBlock;
            if (block != drawn)
            {
                (words[0], words[1], words[2], words[3]) =
                    Philox.Draw(seed, RandomPurpose.InitialValues, step: (long)(name >> 32), stream: (uint)name, checked((uint)block));
                drawn = block;
            }

            values[i] = ((int)(words[(int)((whole + i) % ElementsPerBlock)] >> 8) - (1 << 23)) * scale;
        }
    }

    // FNV-1a: the runtime's own string hash differs from process to process.
    private static ulong NameHash(string name)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ value) * 0x100000001B3UL;
        return hash;
    }
}
