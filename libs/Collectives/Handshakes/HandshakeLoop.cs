using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// One thread per endpoint for its listener and all hand-shakes, of visitors and of its own dialing, so that a switch which opens many connections costs a few wake-ups and no threads.
/// </summary>
internal sealed class HandshakeLoop : IAsyncDisposable
{
    private const int MostVisitors = 1024;
    private static readonly TimeSpan Respite = TimeSpan.FromMilliseconds(10);
    private readonly ConcurrentQueue<Conversation> _arrivals = new();
    private readonly List<Conversation> _conversations = [];
    private readonly Signal _wake = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Socket _listener;
    private readonly TimeSpan _patience;
    private PollDescriptor[] _descriptors = new PollDescriptor[16];
    private volatile bool _stopping;
    private volatile int _parked;
    private long _respiteSince;

    public HandshakeLoop(Socket listener, TimeSpan patience)
    {
        (_listener, _patience) = (listener, patience);
        listener.Blocking = false;
    }

    /// <summary>Visitors that wait for this side to learn of their generation.</summary>
    public int Parked => _parked;

    public void Start(string machine, Reception reception) =>
        new Thread(() => Run(reception)) { IsBackground = true, Name = $"hand-shakes {machine}" }.Start();

    /// <summary>Takes a hand-shake over; what becomes of it, it says itself.</summary>
    public void Add(Conversation conversation)
    {
        _arrivals.Enqueue(conversation);
        Wake();

        // The thread may have ended before it saw the newcomer.
        if (_stopping)
            _ = _ended.Task.ContinueWith(_ => Refuse(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    public void Wake() => _wake.Set();

    /// <summary>Has the thread close the listener and every socket that is not handed over yet, and end.</summary>
    public void Stop()
    {
        _stopping = true;
        Wake();
    }

    /// <summary>As <see cref="Stop"/>; done when the thread has.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await _ended.Task.ConfigureAwait(false);
        _wake.Dispose();
    }

    private void Run(Reception reception)
    {
        while (!_stopping)
        {
            Poll();
            if (_descriptors[1].Returned != 0)
                Accept(reception);
            while (_arrivals.TryDequeue(out var arrival))
                _conversations.Add(arrival);
            for (var index = _conversations.Count - 1; index >= 0; index--)
            {
                if (IsOver(_conversations[index]))
                    _conversations.RemoveAt(index);
            }

            _parked = _conversations.Count(conversation => conversation is Visitor { IsParked: true });
        }

        _listener.Dispose();
        foreach (var conversation in _conversations)
            End(conversation, new IOException("The endpoint was closed."));
        Refuse();
        _ended.SetResult();
    }

    private void Refuse()
    {
        while (_arrivals.TryDequeue(out var late))
            End(late, new IOException("The endpoint was closed."));
    }

    private unsafe void Poll()
    {
        if (_descriptors.Length < _conversations.Count + 2)
            _descriptors = new PollDescriptor[(_conversations.Count + 2) * 2];
        var resting = _respiteSince != 0 && Stopwatch.GetElapsedTime(_respiteSince) < Respite;
        _descriptors[0] = new PollDescriptor { Descriptor = _wake.Descriptor, Events = Libc.PollIn };
        _descriptors[1] = new PollDescriptor { Descriptor = resting ? -1 : Wire.DescriptorOf(_listener), Events = Libc.PollIn };
        var wait = resting ? Respite : Timeout.InfiniteTimeSpan;
        for (var index = 0; index < _conversations.Count; index++)
        {
            var conversation = _conversations[index];
            _descriptors[index + 2] = new PollDescriptor { Descriptor = conversation.Events == 0 ? -1 : conversation.Descriptor, Events = conversation.Events };
            if (wait < TimeSpan.Zero || conversation.Left < wait)
                wait = conversation.Left > TimeSpan.Zero ? conversation.Left : TimeSpan.Zero;
        }

        fixed (PollDescriptor* first = _descriptors)
            _ = Libc.Poll(first, (nuint)(_conversations.Count + 2), wait < TimeSpan.Zero ? -1 : (int)Math.Ceiling(wait.TotalMilliseconds));
        if (_descriptors[0].Returned != 0)
            _wake.Reset();
    }

    private void Accept(Reception reception)
    {
        try
        {
            while (_listener.Poll(TimeSpan.Zero, SelectMode.SelectRead))
            {
                var socket = _listener.Accept();
                socket.NoDelay = true;
                var visitor = new Visitor(socket, _patience, reception);
                if (_conversations.Count < MostVisitors)
                    _conversations.Add(visitor);
                else
                    End(visitor, new IOException("Too many hand-shakes at once."));
            }
        }
        catch (SocketException)
        {
            // One went away before it was let in; out of descriptors passes when connections close.
            _respiteSince = Stopwatch.GetTimestamp();
        }
    }

    private static bool IsOver(Conversation conversation)
    {
        try
        {
            if (conversation.Advance())
                return true;
            if (conversation.Left > TimeSpan.Zero)
                return false;
            End(conversation, new TimeoutException("The hand-shake took too long."));
        }
        catch (Exception failed) when (failed is IOException or SocketException or ObjectDisposedException)
        {
            End(conversation, failed);
        }

        return true;
    }

    private static void End(Conversation conversation, Exception cause)
    {
        conversation.Socket.Dispose();
        conversation.Fail(cause);
    }
}
