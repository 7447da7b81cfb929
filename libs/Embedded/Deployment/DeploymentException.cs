namespace TrainMover.Embedded;

/// <summary>A deployment could not be started, reached or stopped. The message is one line that says what to do.</summary>
/// <param name="message">What went wrong and what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DeploymentException(string message, Exception? inner = null) : Exception(message, inner);
