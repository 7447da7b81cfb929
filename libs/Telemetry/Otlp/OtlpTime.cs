namespace TrainMover.Telemetry.Otlp;

/// <summary>Times of OTLP: nanoseconds since 1970, 0 for none.</summary>
internal static class OtlpTime
{
    private const int NanosecondsPerTick = 100;

    public static DateTimeOffset? Of(ulong nanoseconds) =>
        nanoseconds is 0 || nanoseconds / NanosecondsPerTick > (ulong)(DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks ? null : DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / NanosecondsPerTick));
}
