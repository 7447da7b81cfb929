using System.Diagnostics;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// The bootstrap connection between two machines of a job. Generations share it: each attaches with its scope. Reading, heart-beats and closing happen on the
/// thread of the <see cref="BootstrapLoop"/>; sending from anywhere.
/// </summary>
internal sealed unsafe class BootstrapLink(Socket socket, Member peer, BootstrapLoop loop)
{
    private const int MostEarlyFrames = 256;
    private const int MostQueued = 4096;
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);
    private readonly Lock _sending = new();
    private readonly Lock _dispatching = new();
    private readonly Queue<byte[]> _outgoing = new();
    private readonly Dictionary<ulong, ILinkObserver> _observers = [];
    private readonly HashSet<ulong> _retired = [];
    private readonly List<LinkFrame> _early = [];
    private readonly byte[] _incoming = new byte[LinkFrame.HeaderBytes + LinkFrame.LongestPayload];
    private Lifeline? _lifeline;
    private volatile Loss? _lost;
    private int _incomingLength;
    private int _sentOfFirst;
    private bool _writable = true;
    private bool _farewellSent;
    private bool _released;
    private long _closingSince;

    public Member Peer { get; } = peer;

    public int Descriptor { get; } = Wire.DescriptorOf(socket);

    public long LastHeard { get; set; } = Stopwatch.GetTimestamp();

    /// <summary>Whether the peer has said anything on it yet: until then it may still be about to take the connection into use.</summary>
    public bool HasSpoken { get; private set; }

    /// <summary>Whether the peer's lifeline broke: what it still had to say is there already.</summary>
    public bool HasPeerEnded => Volatile.Read(ref _lifeline)?.HasBroken == true;

    /// <summary>Asked by whoever holds locks of its own: observers, which may want these, are told with this class's lock held.</summary>
    public bool IsLost => _lost is not null;

    /// <summary>How it was lost; null as long as it lives.</summary>
    public string? LossDetail => _lost?.Detail;

    public bool HasUnsent
    {
        get
        {
            lock (_sending)
                return _outgoing.Count > 0 && _writable;
        }
    }

    /// <summary>Takes the lifeline with the peer, which lives as long as this connection.</summary>
    public void Tie(Socket lifeline)
    {
        lock (_sending)
        {
            if (!_released)
            {
                Volatile.Write(ref _lifeline, loop.Hold(lifeline));
                return;
            }
        }

        Lifeline.Decline(lifeline);
    }

    /// <summary>Listens for a generation; frames that came before it was known here, and a loss, are told at once.</summary>
    public void Attach(ulong scope, ILinkObserver observer)
    {
        lock (_dispatching)
        {
            _observers[scope] = observer;
            _retired.Remove(scope);
            foreach (var frame in _early.Where(frame => frame.Scope == scope).ToList())
            {
                _early.Remove(frame);
                observer.OnFrame(this, frame.Kind, frame.Payload);
            }

            if (_lost is { } lost)
                observer.OnLost(this, lost.Kind, lost.Detail);
        }
    }

    /// <summary>Ends a generation on this connection, unless another observer took it over. The last one to go closes the connection in order.</summary>
    public void Detach(ulong scope, ILinkObserver observer)
    {
        lock (_dispatching)
        {
            if (!_observers.TryGetValue(scope, out var current) || !ReferenceEquals(current, observer))
                return;
            _observers.Remove(scope);
            _retired.Add(scope);
            if (_observers.Count > 0)
                return;
        }

        Close();
    }

    /// <summary>Closes in order: what is queued still goes out.</summary>
    public void Close()
    {
        lock (_sending)
        {
            if (_closingSince == 0)
                _closingSince = Stopwatch.GetTimestamp();
        }

        loop.Wake();
    }

    public void Send(LinkFrameKind kind, ulong scope, ReadOnlySpan<byte> payload)
    {
        lock (_sending)
        {
            // A peer that takes nothing any more is found by its silence.
            if (!_writable || _closingSince != 0 || _outgoing.Count >= MostQueued || (kind == LinkFrameKind.Heartbeat && _outgoing.Count > 0))
                return;
            _outgoing.Enqueue(LinkFrame.Encode(kind, scope, payload));
            Flush();
            if (_outgoing.Count == 0)
                return;
        }

        loop.Wake();
    }

    /// <summary>On the loop's thread: sends what waits.</summary>
    public void Flush()
    {
        lock (_sending)
        {
            while (_writable && _outgoing.TryPeek(out var frame))
            {
                int sent;
                fixed (byte* first = frame)
                    sent = Wire.TrySend(Descriptor, first + _sentOfFirst, frame.Length - _sentOfFirst);
                if (sent == 0)
                    return;
                if (sent < 0)
                {
                    // The reading side tells how it ended, after what the peer still had to say.
                    _writable = false;
                    _outgoing.Clear();
                    return;
                }

                _sentOfFirst += sent;
                if (_sentOfFirst == frame.Length)
                {
                    _outgoing.Dequeue();
                    _sentOfFirst = 0;
                }
            }
        }
    }

    /// <summary>On the loop's thread: reads what is there. False when the connection is at its end.</summary>
    public bool Receive()
    {
        while (true)
        {
            int received;
            fixed (byte* first = _incoming)
                received = Wire.TryReceive(Descriptor, first + _incomingLength, _incoming.Length - _incomingLength);
            if (received == 0)
                return true;
            if (received < 0)
            {
                Lose(FailureKind.PeerReset, $"The bootstrap connection with {Peer.Machine} broke: {Wire.Explain(received)}.");
                return false;
            }

            LastHeard = Stopwatch.GetTimestamp();
            HasSpoken = true;
            _incomingLength += received;
            try
            {
                TakeFrames();
            }
            catch (IOException garbled)
            {
                Lose(FailureKind.ProtocolViolation, $"The bootstrap connection with {Peer.Machine} is unusable: {garbled.Message}.");
                return false;
            }
        }
    }

    /// <summary>On the loop's thread: the connection is of no use any more.</summary>
    public void Lose(FailureKind kind, string detail)
    {
        lock (_dispatching)
        {
            if (_lost is not null)
                return;
            _lost = new Loss(kind, detail);
            foreach (var observer in _observers.Values.ToList())
                observer.OnLost(this, kind, detail);
        }
    }

    /// <summary>On the loop's thread: whether a close in order is through; it ends when the peer has closed too, or after a second.</summary>
    public bool IsFarewellOver()
    {
        lock (_sending)
        {
            if (_closingSince == 0)
                return false;
            if (!_farewellSent && (_outgoing.Count == 0 || !_writable))
            {
                _farewellSent = true;
                _lifeline?.Part();
                try
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (SocketException)
                {
                    return true;
                }
            }

            return Stopwatch.GetElapsedTime(_closingSince) > Farewell;
        }
    }

    /// <summary>On the loop's thread, and the last thing that happens to the link.</summary>
    public void Release()
    {
        lock (_sending)
        {
            _writable = false;
            _outgoing.Clear();
            _released = true;
            _lifeline?.Part();
            socket.Dispose();
        }
    }

    /// <summary>Resets the connection, as the death of this process would.</summary>
    public void Sever()
    {
        lock (_sending)
        {
            _writable = false;
            _outgoing.Clear();
            _lifeline?.Sever();
            Wire.Reset(socket);
        }
    }

    private void TakeFrames()
    {
        var taken = 0;
        while (LinkFrame.TryDecode(_incoming.AsSpan(taken, _incomingLength - taken), out var frame))
        {
            taken += LinkFrame.HeaderBytes + frame.Payload.Length;
            if (frame.Kind != LinkFrameKind.Heartbeat)
                Dispatch(frame);
        }

        _incoming.AsSpan(taken, _incomingLength - taken).CopyTo(_incoming);
        _incomingLength -= taken;
    }

    private void Dispatch(LinkFrame frame)
    {
        lock (_dispatching)
        {
            if (_observers.TryGetValue(frame.Scope, out var observer))
                observer.OnFrame(this, frame.Kind, frame.Payload);
            else if (!_retired.Contains(frame.Scope) && _early.Count < MostEarlyFrames)
                _early.Add(frame);
        }
    }

    private sealed record Loss(FailureKind Kind, string Detail);
}
