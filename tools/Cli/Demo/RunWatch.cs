using System.Threading.Channels;
using TrainMover.Cli.CommandLine;
using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain;
using TrainMover.Embedded;
using TrainMover.EventLog;
using TrainMover.Messaging;

namespace TrainMover.Cli.Demo;

/// <summary>Follows a run as a subscriber does: steps from telemetry, and the log whenever a message tells of a new event.</summary>
internal sealed class RunWatch : IAsyncDisposable
{
    private readonly OpenLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly HashSet<string> _published = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly List<LoggedEvent> _events = [];
    private readonly World _world = new();
    private readonly Task _reading;
    private readonly Task _following;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunWatch(OpenLog log, Bus bus, string jobId)
    {
        _log = log;
        Steps = new StepLog(jobId);
        _reading = Task.Run(() => ReadAsync(bus));
        _following = Task.Run(FollowAsync);
    }

    public StepLog Steps { get; }

    public IReadOnlyList<LoggedEvent> Events
    {
        get
        {
            lock (_gate) return [.. _events];
        }
    }

    /// <summary>Looks at the folded log.</summary>
    public T Look<T>(Func<World, T> look)
    {
        lock (_gate) return look(_world);
    }

    /// <summary>Waits until something holds; looks again whenever there is news.</summary>
    /// <exception cref="DeploymentException">It did not hold in time.</exception>
    public async Task UntilAsync(Func<bool> holds, TimeSpan timeout, string what, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(timeout);
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate) changed = _changed.Task;
                if (holds()) return;
                if (_reading.IsFaulted) await _reading;
                if (_following.IsFaulted) await _following;
                await Task.WhenAny(changed, _reading, _following).WaitAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new DeploymentException($"{what} did not happen within {timeout.TotalSeconds:0} s: see .trainmover/logs and ./trainmover events.");
        }
    }

    /// <summary>Events of published types that a subscriber has not seen, after a short wait for the last ones.</summary>
    public async Task<long> UnpublishedAsync(IReadOnlyList<LoggedEvent> events, TimeSpan wait, CancellationToken ct)
    {
        long Missing()
        {
            lock (_gate) return events.Count(logged => logged.IsKnown && !_published.Contains(logged.Id.ToString()));
        }

        try
        {
            await UntilAsync(() => Missing() == 0, wait, "publishing", ct);
        }
        catch (DeploymentException)
        {
            // What is missing after the wait is the answer.
        }

        return Missing();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _news.Writer.TryComplete();
        foreach (var task in (Task[])[_reading, _following])
        {
            try
            {
                await task.WaitAsync(TimeSpan.FromSeconds(5));
            }
            catch (Exception exception) when (exception is OperationCanceledException or TimeoutException or BrokerUnavailableException or EventLogUnavailableException)
            {
                // Whoever waited for the watch was told.
            }
        }

        _stop.Dispose();
    }

    private async Task ReadAsync(Bus bus)
    {
        string[] topics = [Topics.Telemetry, .. Catalog.Entries.Where(entry => Catalog.LoggedEvents.ContainsKey(entry.Name)).Select(entry => entry.Topic).Distinct()];
        await foreach (var message in bus.ReadAsync(topics, StartAt.Beginning, _stop.Token))
        {
            if (message.Envelope.Data is StepCompleted step)
            {
                Steps.Add(step);
                Changed();
            }
            else if (message.Envelope.Stream is not null)
            {
                lock (_gate) _published.Add(message.Envelope.Id);
                _news.Writer.TryWrite(true);
                Changed();
            }
        }
    }

    private async Task FollowAsync()
    {
        var cursor = new LogCursor(_log.Events);
        do
        {
            await foreach (var logged in cursor.NewAsync(_stop.Token))
            {
                lock (_gate)
                {
                    _events.Add(logged);
                    _world.Apply(logged.Stream, logged.Version, logged.Data);
                }

                Changed();
            }
        }
        while (await _news.Reader.WaitToReadAsync(_stop.Token) && _news.Reader.TryRead(out _));
    }

    private void Changed()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }
}
