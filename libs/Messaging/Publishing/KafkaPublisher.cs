using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TrainMover.Contracts;

namespace TrainMover.Messaging;

/// <summary>
/// Publishes messages: one idempotent producer per process, shared by all its threads. Calls made one after the other keep their order per key;
/// each returns once all in-sync replicas have the message.
/// </summary>
public sealed class KafkaPublisher : IAsyncDisposable
{
    private static readonly byte[] ContentType = Encoding.UTF8.GetBytes(EnvelopeFormat.ContentType);

    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly BrokerState _broker;
    private readonly SemaphoreSlim _room;
    private readonly Lock _gate = new();
    private IProducer<string?, byte[]> _producer;
    private bool _disposed;

    /// <summary>Connects in the background; needs no broker yet.</summary>
    /// <param name="options">Checked by <see cref="KafkaOptions.Validate"/>.</param>
    /// <param name="logger">Null for none.</param>
    /// <param name="time">Clock of the messages; null for the system's.</param>
    public KafkaPublisher(KafkaOptions options, ILogger<KafkaPublisher>? logger = null, TimeProvider? time = null)
    {
        _options = options.Validate();
        _logger = logger ?? NullLogger<KafkaPublisher>.Instance;
        _time = time ?? TimeProvider.System;
        _broker = new BrokerState("Publisher", options.BootstrapServers, _logger);
        _room = new SemaphoreSlim(options.MaxInFlight);
        _producer = Build();
    }

    /// <summary>Wraps a body of the catalogue in a new envelope of this process.</summary>
    /// <param name="data">A record with <see cref="EventTypeAttribute"/>.</param>
    /// <param name="subject">What it is about; the key of its topic.</param>
    /// <param name="id">Id; null for a new one.</param>
    /// <exception cref="ArgumentException">The record is not in the catalogue.</exception>
    public Envelope Wrap(object data, string? subject = null, string? id = null) =>
        new(id ?? Guid.CreateVersion7(_time.GetUtcNow()).ToString(), _options.Source, Catalog.Of(data.GetType()).Name, data) { Subject = subject, Time = _time.GetUtcNow() };

    /// <summary>Publishes to the topic that the catalogue gives the message's type.</summary>
    /// <param name="key">Key: messages with the same key keep their order.</param>
    /// <param name="envelope">The message.</param>
    /// <param name="cancellationToken">Ends the wait; the message may still arrive.</param>
    /// <exception cref="BrokerUnavailableException">Not acknowledged within <see cref="KafkaOptions.Deadline"/>.</exception>
    /// <exception cref="MessageTooLargeException">Larger than <see cref="KafkaOptions.MaxMessageBytes"/>.</exception>
    public Task PublishAsync(string? key, Envelope envelope, CancellationToken cancellationToken = default) =>
        PublishAsync(Catalog.Of(envelope.Data.GetType()).Topic, key, envelope, cancellationToken);

    /// <summary>Publishes to a topic.</summary>
    /// <param name="topic">Name without prefix.</param>
    /// <param name="key">Key: messages with the same key keep their order.</param>
    /// <param name="envelope">The message.</param>
    /// <param name="cancellationToken">Ends the wait; the message may still arrive.</param>
    /// <exception cref="BrokerUnavailableException">Not acknowledged within <see cref="KafkaOptions.Deadline"/>.</exception>
    /// <exception cref="MessageTooLargeException">Larger than <see cref="KafkaOptions.MaxMessageBytes"/>.</exception>
    public async Task PublishAsync(string topic, string? key, Envelope envelope, CancellationToken cancellationToken = default)
    {
        var body = EnvelopeFormat.Write(envelope);
        if (body.Length > _options.MaxMessageBytes)
            throw new MessageTooLargeException($"{envelope.Type} {envelope.Id} has {body.Length} bytes; {_options.MaxMessageBytes} are allowed.");
        var started = _time.GetTimestamp();
        if (!await _room.WaitAsync(_options.Deadline, cancellationToken))
            throw new BrokerUnavailableException(_options.BootstrapServers, $"room among {_options.MaxInFlight} unacknowledged messages", _options.Deadline);
        try
        {
            var message = new Message<string?, byte[]> { Key = key, Value = body, Headers = new Headers { { "content-type", ContentType } } };
            await ProduceAsync(_options.Topic(topic), message, started, cancellationToken);
            _broker.Answers();
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>Waits, at most for the deadline, until what was published is acknowledged, and disconnects.</summary>
    public async ValueTask DisposeAsync()
    {
        IProducer<string?, byte[]> producer;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            producer = _producer;
        }
        await Task.Run(() =>
        {
            producer.Flush(_options.Deadline);
            producer.Dispose();
        });
        _room.Dispose();
    }

    private async Task ProduceAsync(string topic, Message<string?, byte[]> message, long started, CancellationToken cancellationToken)
    {
        while (true)
        {
            var producer = Current();
            try
            {
                await producer.ProduceAsync(topic, message, cancellationToken);
                return;
            }
            catch (KafkaException fatal) when (IsFatal(fatal.Error) && _time.GetElapsedTime(started) < _options.Deadline)
            {
                // An idempotent producer that lost its place (an emptied cluster, for one) never recovers; a new one starts a new sequence.
                Replace(producer, fatal.Error);
            }
            catch (KafkaException failure) when (failure.Error.Code == ErrorCode.MsgSizeTooLarge)
            {
                throw new MessageTooLargeException($"The broker refuses {message.Value.Length} bytes on {topic}: raise its message.max.bytes.");
            }
            catch (KafkaException failure)
            {
                _broker.Away(failure.Error.Reason);
                throw new BrokerUnavailableException(_options.BootstrapServers, $"publish to {topic}", _options.Deadline, failure);
            }
        }
    }

    private static bool IsFatal(Error error) => error.IsFatal || error.Code is ErrorCode.Local_Fatal or ErrorCode.Local_PurgeQueue or ErrorCode.Local_PurgeInflight;

    private IProducer<string?, byte[]> Current()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _producer;
        }
    }

    private void Replace(IProducer<string?, byte[]> broken, Error reason)
    {
        lock (_gate)
        {
            if (_disposed || _producer != broken)
                return;
            _logger.LogWarning("Publisher: the producer cannot go on ({Reason}); a new one takes over", reason.Reason);
            _producer = Build();
        }
        _ = Task.Run(broken.Dispose);
    }

    private IProducer<string?, byte[]> Build() => new ProducerBuilder<string?, byte[]>(ClientSettings.Producer(_options))
        .SetLogHandler((_, message) => _logger.Log(ClientSettings.Level(message), "{Message}", message.Message))
        .SetErrorHandler((_, error) => _broker.OnError(error))
        .Build();
}
