using System.Text.Json;
using System.Text.Json.Serialization;

namespace TrainMover.Messaging;

/// <summary>What a MassTransit consumer is handed: <c>IConsumer&lt;Received&lt;MigrationPlanned&gt;&gt;</c>.</summary>
/// <typeparam name="T">Record of the catalogue.</typeparam>
/// <param name="Envelope">The message with its CloudEvents attributes.</param>
[JsonConverter(typeof(ReceivedConverterFactory))]
public sealed record Received<T>(Envelope Envelope)
    where T : class
{
    /// <summary>The body.</summary>
    public T Data => (T)Envelope.Data;
}

/// <summary>Lets MassTransit's raw JSON read a CloudEvent with the catalogue's strictness instead of its own.</summary>
internal sealed class ReceivedConverterFactory : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Received<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Converter<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Converter<T> : JsonConverter<Received<T>>
        where T : class
    {
        public override Received<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return EnvelopeFormat.Read(JsonSerializer.SerializeToUtf8Bytes(document), int.MaxValue) switch
            {
                Reading.Readable { Envelope: { Data: T } envelope } => new(envelope),
                Reading.Unreadable unreadable => throw new JsonException(unreadable.Detail),
                _ => throw new JsonException($"The message is not a {typeof(T).Name}."),
            };
        }

        public override void Write(Utf8JsonWriter writer, Received<T> value, JsonSerializerOptions options) => writer.WriteRawValue(EnvelopeFormat.Write(value.Envelope));
    }
}
