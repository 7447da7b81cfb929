namespace TrainMover.Domain;

/// <summary>A command that the state does not allow. The message says which rule, in words for the person who gave the command.</summary>
/// <param name="message">The broken rule.</param>
public sealed class DomainRuleException(string message) : Exception(message);
