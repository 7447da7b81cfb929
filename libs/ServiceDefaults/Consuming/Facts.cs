using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.ServiceDefaults.Consuming;

/// <summary>From messages to the facts on which decisions are taken.</summary>
public static class Facts
{
    /// <summary>The fact that a message tells.</summary>
    public static Fact ToFact(this Envelope envelope) => new(envelope.Source, envelope.Id, envelope.CorrelationId);
}
