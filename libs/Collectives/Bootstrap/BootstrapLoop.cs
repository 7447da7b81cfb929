using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>One thread per endpoint for all bootstrap connections, so that heart-beats and failures do not wait for a busy thread pool.</summary>
internal sealed class BootstrapLoop : IAsyncDisposable
{
    private readonly ConcurrentQueue<BootstrapLink> _arrivals = new();
    private readonly List<BootstrapLink> _links = [];
    private readonly Signal _wake = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HoldingThread? _holder;
    private readonly TimeSpan _beat;
    private readonly TimeSpan _silence;
    private readonly TimeSpan _silenceAtFirst;
    private PollDescriptor[] _descriptors = new PollDescriptor[8];
    private volatile bool _stopping;
    private volatile bool _severed;

    public BootstrapLoop(string machine, CollectivesOptions options)
    {
        (_beat, _silence) = (options.HeartbeatInterval, options.PeerSilence);

        // A peer whose cores are busy may be long in taking a connection into use; that it has not begun to speak does not make it silent.
        _silenceAtFirst = options.SetupDeadline < _silence ? _silence : options.SetupDeadline;
        _holder = options.Lifelines ? HoldingThread.Instance : null;
        new Thread(Run) { IsBackground = true, Name = $"bootstrap {machine}" }.Start();
    }

    public void Add(BootstrapLink link)
    {
        // Said here and not by the loop: a process that is stopped right after has spoken, and is found by its silence.
        Beat(link);
        _arrivals.Enqueue(link);
        Wake();
    }

    public void Wake() => _wake.Set();

    /// <summary>Gives a connection to the holding thread, which wakes this one when it breaks. Null where there is none.</summary>
    public Lifeline? Hold(Socket lifeline) => Lifeline.Hold(lifeline, _wake, _holder);

    /// <summary>Resets every connection and ends the thread.</summary>
    public void Sever()
    {
        _severed = true;
        Wake();
    }

    /// <summary>Closes every connection in order and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        Wake();
        await _ended.Task.ConfigureAwait(false);
        _wake.Dispose();
    }

    private void Run()
    {
        ProcessorTurn.AskForNow(heartbeats: true);
        var lastRound = Stopwatch.GetTimestamp();
        var lastBeat = lastRound;
        while (!_severed)
        {
            while (_arrivals.TryDequeue(out var arrival))
                _links.Add(arrival);

            if (_stopping)
            {
                foreach (var link in _links)
                    link.Close();
                if (_links.Count == 0)
                    break;
            }

            Poll(lastBeat);

            // Whoever is severed says nothing of others any more: that their connections broke was its own doing.
            if (_severed)
                break;
            var now = Stopwatch.GetTimestamp();
            var slept = Stopwatch.GetElapsedTime(lastRound, now);
            lastRound = now;
            for (var index = _links.Count - 1; index >= 0; index--)
                Serve(index, now, slept);
            if (Stopwatch.GetElapsedTime(lastBeat, now) >= _beat)
            {
                lastBeat = now;
                _links.ForEach(Beat);
            }
        }

        while (_arrivals.TryDequeue(out var arrival))
            _links.Add(arrival);
        foreach (var link in _links)
        {
            if (_severed)
                link.Sever();
            link.Release();
        }

        _ended.SetResult();
    }

    private static void Beat(BootstrapLink link) => link.Send(LinkFrameKind.Heartbeat, 0, []);

    private unsafe void Poll(long lastBeat)
    {
        if (_descriptors.Length < _links.Count + 1)
            _descriptors = new PollDescriptor[(_links.Count + 1) * 2];
        _descriptors[0] = new PollDescriptor { Descriptor = _wake.Descriptor, Events = Libc.PollIn };
        for (var index = 0; index < _links.Count; index++)
        {
            var events = _links[index].HasUnsent ? Libc.PollIn | Libc.PollOut : Libc.PollIn;
            _descriptors[index + 1] = new PollDescriptor { Descriptor = _links[index].Descriptor, Events = (short)events };
        }

        var untilBeat = _beat - Stopwatch.GetElapsedTime(lastBeat);
        fixed (PollDescriptor* first = _descriptors)
            _ = Libc.Poll(first, (nuint)(_links.Count + 1), Math.Max(0, (int)Math.Ceiling(untilBeat.TotalMilliseconds)));
        if (_descriptors[0].Returned != 0)
            _wake.Reset();
    }

    private void Serve(int index, long now, TimeSpan slept)
    {
        var link = _links[index];

        // A process that was itself stopped hears nothing; that says nothing about its peers.
        if (slept > _silence / 2)
            link.LastHeard = now;
        var alive = true;
        var ended = link.HasPeerEnded;
        if (_descriptors[index + 1].Returned != 0 || ended)
        {
            link.Flush();
            alive = link.Receive();
        }

        if (alive && ended)
        {
            link.Lose(FailureKind.PeerReset, $"The process of {link.Peer.Machine} has ended.");
            alive = false;
        }

        var patience = link.HasSpoken ? _silence : _silenceAtFirst;
        if (alive && Stopwatch.GetElapsedTime(link.LastHeard) > patience)
        {
            link.Lose(FailureKind.PeerSilent, $"{link.Peer.Machine} has been silent for {patience.TotalSeconds:0.###} s.");
            alive = false;
        }

        if (alive && !link.IsFarewellOver())
            return;
        link.Release();
        _links.RemoveAt(index);
    }
}
