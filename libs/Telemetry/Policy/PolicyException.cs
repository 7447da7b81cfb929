namespace TrainMover.Telemetry.Policy;

/// <summary>A policy cannot be used; the message says where and why.</summary>
/// <param name="message">File, line and reason.</param>
public sealed class PolicyException(string message) : Exception(message);
