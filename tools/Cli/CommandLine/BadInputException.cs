namespace TrainMover.Cli.CommandLine;

/// <summary>What was asked for makes no sense. The message is one line that says what to do; the exit code is 2.</summary>
internal sealed class BadInputException(string message) : Exception(message);
