namespace TrainMover.Collectives;

/// <summary>One device of one process: what a data connection ends at. A machine that came back on another port is another process.</summary>
internal readonly record struct Device(string Machine, string Host, int Port, int Index);
