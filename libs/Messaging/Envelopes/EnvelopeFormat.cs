using System.Text.Json;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.SystemTextJson;
using TrainMover.Contracts;
using TrainMover.Contracts.DeadLetters;

namespace TrainMover.Messaging;

/// <summary>Envelopes to bytes and back: CloudEvents 1.0 in structured JSON.</summary>
public static class EnvelopeFormat
{
    /// <summary>Value of the Kafka header <c>content-type</c>.</summary>
    public const string ContentType = "application/cloudevents+json; charset=UTF-8";

    private static readonly JsonEventFormatter Formatter = new(Catalog.Json, new JsonDocumentOptions { AllowDuplicateProperties = false });
    private static readonly System.Net.Mime.ContentType StructuredJson = new(ContentType);

    /// <summary>The body of a message.</summary>
    /// <param name="envelope">Its type must be the catalogue's name of its data.</param>
    /// <exception cref="ArgumentException">Type and data do not belong together.</exception>
    public static byte[] Write(Envelope envelope)
    {
        if (Catalog.Of(envelope.Data.GetType()).Name != envelope.Type)
            throw new ArgumentException($"{envelope.Data.GetType().Name} is not the body of {envelope.Type}.", nameof(envelope));
        var cloudEvent = new CloudEvent
        {
            Id = envelope.Id,
            Source = new Uri(envelope.Source, UriKind.RelativeOrAbsolute),
            Type = envelope.Type,
            Subject = envelope.Subject,
            Time = envelope.Time,
            DataContentType = "application/json",
            Data = envelope.Data,
        };
        Set(cloudEvent, "correlationid", envelope.CorrelationId);
        Set(cloudEvent, "causationid", envelope.CausationId);
        Set(cloudEvent, "generation", envelope.Generation);
        Set(cloudEvent, "stream", envelope.Stream);
        Set(cloudEvent, "streamversion", envelope.StreamVersion);
        Set(cloudEvent, "sequence", envelope.Sequence);
        Set(cloudEvent, "actor", envelope.Actor);
        return Formatter.EncodeStructuredModeMessage(cloudEvent, out _).ToArray();
    }

    /// <summary>Reads a body, check by check: size, JSON, CloudEvent, known type, known version, shape. Never throws for what a body contains.</summary>
    /// <param name="body">The message's value.</param>
    /// <param name="maxBytes">Largest size accepted.</param>
    public static Reading Read(ReadOnlyMemory<byte> body, int maxBytes)
    {
        if (body.Length > maxBytes)
            return new Reading.Unreadable(DeadLetterReason.TooLarge, $"The body has {body.Length} bytes; {maxBytes} are allowed.");
        return MetricsFormat.Read(body.Span) is { } metrics ? new Reading.Readable(metrics) : ReadAny(body);
    }

    /// <summary>Reads a message of any type, without the short way for metrics.</summary>
    internal static Reading ReadAny(ReadOnlyMemory<byte> body)
    {
        if (JsonFlaw(body.Span) is { } flaw)
            return flaw;
        CloudEvent cloudEvent;
        try
        {
            cloudEvent = Formatter.DecodeStructuredModeMessage(body, StructuredJson, extensionAttributes: null);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or InvalidOperationException or JsonException or UriFormatException)
        {
            return new Reading.Unreadable(DeadLetterReason.NotACloudEvent, OneLine(failure.Message));
        }
        return Catalog.Find(cloudEvent.Type!) is { } entry ? ReadData(cloudEvent, entry) : Unknown(cloudEvent.Type!);
    }

    private static Reading ReadData(CloudEvent cloudEvent, CatalogEntry entry)
    {
        if (cloudEvent.Data is not JsonElement element)
            return new Reading.Unreadable(DeadLetterReason.SchemaViolation, $"{entry.Name} needs 'data' in JSON.");
        try
        {
            if (element.Deserialize(entry.ClrType, Catalog.Json) is not { } data)
                return new Reading.Unreadable(DeadLetterReason.SchemaViolation, $"The 'data' of {entry.Name} is null.");
            return new Reading.Readable(new Envelope(cloudEvent.Id!, cloudEvent.Source!.OriginalString, entry.Name, data)
            {
                Subject = cloudEvent.Subject,
                Time = cloudEvent.Time,
                CorrelationId = Text(cloudEvent, "correlationid"),
                CausationId = Text(cloudEvent, "causationid"),
                Generation = Number(cloudEvent, "generation"),
                Stream = Text(cloudEvent, "stream"),
                StreamVersion = Number(cloudEvent, "streamversion"),
                Sequence = Number(cloudEvent, "sequence"),
                Actor = Text(cloudEvent, "actor"),
            });
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException or ArgumentException or FormatException or InvalidOperationException)
        {
            return new Reading.Unreadable(DeadLetterReason.SchemaViolation, OneLine(failure.Message));
        }
    }

    private static Reading.Unreadable? JsonFlaw(ReadOnlySpan<byte> body)
    {
        var whole = new Utf8JsonReader(body, isFinalBlock: true, default);
        try
        {
            while (whole.Read())
            {
            }
            return null;
        }
        catch (JsonException failure)
        {
            return EndsTooEarly(body)
                ? new(DeadLetterReason.Truncated, $"The JSON ends after {body.Length} bytes, before it is complete.")
                : new(DeadLetterReason.NotJson, OneLine(failure.Message));
        }
    }

    /// <summary>A reader that is told that more bytes may follow finds no fault in a beginning of valid JSON.</summary>
    private static bool EndsTooEarly(ReadOnlySpan<byte> body)
    {
        var beginning = new Utf8JsonReader(body, isFinalBlock: false, default);
        try
        {
            while (beginning.Read())
            {
            }
            return !body.Trim(" \t\r\n"u8).IsEmpty;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static Reading.Unreadable Unknown(string type)
    {
        var family = Family(type);
        var versions = Catalog.Entries.Where(entry => Family(entry.Name) == family).Select(entry => entry.Name).ToArray();
        return versions.Length == 0 || family == type
            ? new(DeadLetterReason.UnknownType, $"No message is called '{type}'.")
            : new(DeadLetterReason.UnsupportedVersion, $"'{type}' is a version that this build does not know; it knows {string.Join(", ", versions)}.");
    }

    /// <summary>The name without its <c>.vN</c>; the name itself when it has none.</summary>
    private static string Family(string type)
    {
        var dot = type.LastIndexOf(".v", StringComparison.Ordinal);
        return dot > 0 && int.TryParse(type[(dot + 2)..], out _) ? type[..dot] : type;
    }

    private static void Set(CloudEvent cloudEvent, string attribute, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            cloudEvent[attribute] = value;
    }

    /// <summary>CloudEvents integers have 32 bits; a larger one travels as text.</summary>
    private static void Set(CloudEvent cloudEvent, string attribute, long? value)
    {
        if (value is { } number)
            cloudEvent[CloudEventAttribute.CreateExtension(attribute, number is >= int.MinValue and <= int.MaxValue ? CloudEventAttributeType.Integer : CloudEventAttributeType.String)] =
                number is >= int.MinValue and <= int.MaxValue ? (int)number : number.ToString();
    }

    private static string? Text(CloudEvent cloudEvent, string attribute) => cloudEvent[attribute]?.ToString();

    private static long? Number(CloudEvent cloudEvent, string attribute) => cloudEvent[attribute] switch
    {
        null => null,
        int number => number,
        var other => long.TryParse(other.ToString(), out var number) ? number : throw new FormatException($"'{attribute}' must be a whole number."),
    };

    private static string OneLine(string message) => message.ReplaceLineEndings(" ");
}
