using System.Diagnostics;
using System.Threading.Channels;
using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// One machine's part in a job: it trains its ranks, prepares migrations in the background while training goes on, votes for the switch in the
/// commit of a step, switches, and after a failure agrees with the other survivors on the step to resume with. Owns the replicas and one
/// training thread per device; requests may come from any thread. Every wait has a deadline except waiting for requests while parked.
/// </summary>
public sealed partial class TrainingSession : IAsyncDisposable
{
    private const int RememberedRequests = 64;

    private readonly Lock _gate = new();
    private readonly Lock _shadowGate = new();
    private readonly Endpoint _endpoint;
    private readonly string _machine;
    private readonly SessionOptions _options;
    private readonly Channel<SessionEvent> _events = Channel.CreateUnbounded<SessionEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _eventPump;
    private readonly Timer _waitWatch;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Mailbox<Signal> _inbox = new();
    private readonly AnswerLedger _ledger = new(RememberedRequests);
    private readonly HashSet<int> _droppedGenerations = [];

    private SessionPhase _phase = SessionPhase.Idle;
    private SessionJob? _job;
    private Corpus? _corpus;
    private LocalRanks? _local;
    private MachineGroups? _groups;
    private MigrationAttempt? _attempt;
    private MigrationAttempt? _lost;

    // Key of the request whose plan was carried out before anybody ordered it, until an order has asked for what was said meanwhile.
    private string? _unasked;
    private readonly WarmRoles _warm = new();
    private readonly UrgentThread _urgent = new();
    private SpareThread _spare = new();
    private readonly DeviceMeter _meter = new();
    private Thread? _thread;
    private Task _background = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private int _generation;
    private long _completedSteps;

    /// <summary>Creates an idle session.</summary>
    /// <param name="endpoint">The worker's listener; stays the caller's.</param>
    /// <param name="machine">Name of this machine, as topologies call it.</param>
    /// <param name="report">Called with every event, one at a time and in order, on a thread of the pool.</param>
    /// <param name="options">Deadlines; defaults when absent.</param>
    /// <exception cref="ArgumentException">A deadline is not positive.</exception>
    public TrainingSession(Endpoint endpoint, string machine, Action<SessionEvent> report, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        _endpoint = endpoint;
        _machine = machine;
        _options = options ?? new SessionOptions();
        _options.Validate();
        _eventPump = Task.Run(async () =>
        {
            await foreach (var happened in _events.Reader.ReadAllAsync().ConfigureAwait(false))
                report(happened);
        });
        _waitWatch = new Timer(_ => TellLongWaits(), null, _options.LongWait / 2, _options.LongWait / 2);
    }

    /// <summary>What the session does now.</summary>
    public SessionStatus Status
    {
        get
        {
            lock (_gate)
            {
                var prepared = _attempt is { IsReady: true } attempt ? attempt.Request.Generation : (int?)null;
                return new SessionStatus(_phase, _job?.Name, _generation, _groups?.Ranks ?? [], Interlocked.Read(ref _completedSteps), prepared);
            }
        }
    }

    /// <summary>Ends the training thread and the group, and frees the replica, unless an operation that never returns still uses it. Events raised before are delivered.</summary>
    public async ValueTask DisposeAsync()
    {
        Thread? thread;
        MachineGroups? groups;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
                return;
            _stopping.Cancel();
            _attempt?.Drop();
            Disarm();
            thread = _thread;
            _spare.Dispose();
            groups = _groups;
        }

        _urgent.Dispose();
        await _waitWatch.DisposeAsync().ConfigureAwait(false);
        _inbox.Post(new Signal.Stopped());
        groups?.Fail(new GroupFailure(FailureKind.Ordered, null, null, $"The session on {_machine} was ended.", Stopwatch.GetTimestamp()));
        var isStuck = thread is not null && !await Task.Run(() => thread.Join(_options.EndDeadline)).ConfigureAwait(false);
        Task background;
        lock (_gate)
            background = _background;
        await background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (groups is not null)
            await groups.DisposeAsync().ConfigureAwait(false);
        _events.Writer.TryComplete();
        await _eventPump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (isStuck)
            return;
        _local?.Dispose();
        _stopping.Dispose();
    }

    private static long Now() => Stopwatch.GetTimestamp();

    private void Raise(SessionEvent happened, string? answerTo = null)
    {
        lock (_gate)
        {
            if (answerTo is not null)
                _ledger.Answer(answerTo, happened);
            _events.Writer.TryWrite(happened);
        }
    }

    private void SetPhase(SessionPhase phase)
    {
        lock (_gate)
            _phase = phase;
    }

    private void StartThread(string name, Action run)
    {
        _thread = _spare.TryBegin(name, run) ?? new SpareThread().TryBegin(name, run);
        InBackground(() =>
        {
            var next = new SpareThread();
            lock (_gate)
                _spare = next;
            if (_stopping.IsCancellationRequested)
                next.Dispose();
            return Task.CompletedTask;
        });
    }
}
