namespace TrainMover.Training.Session;

/// <summary>Answer to an attempt to withdraw a vote.</summary>
public enum Withdrawal
{
    /// <summary>Withdrawn: this rank never votes for the generation.</summary>
    Done,

    /// <summary>A ballot is in flight and decides.</summary>
    Pending,

    /// <summary>Too late: the switch is agreed, or may be.</summary>
    TooLate,
}

/// <summary>
/// One machine's vote for the switch to one generation. Training threads cast and settle ballots, the same one for all ranks of a step; requests order and withdraw.
/// Once withdrawn it is never cast again; once agreed it is never withdrawn.
/// </summary>
/// <param name="generation">The generation voted for, at least 1.</param>
public sealed class SwitchVote(int generation)
{
    private readonly Lock _gate = new();
    private State _state = State.Silent;
    private bool _withdrawAsked;
    private long _castStep = -1;
    private int _cast;

    private enum State
    {
        Silent,
        Voting,
        InFlight,
        Agreed,
        Unknown,
        Withdrawn,
    }

    /// <summary>The generation voted for.</summary>
    public int Generation { get; } = generation;

    /// <summary>The switch is agreed.</summary>
    public bool IsAgreed
    {
        get
        {
            lock (_gate)
                return _state == State.Agreed;
        }
    }

    /// <summary>The vote was withdrawn for good.</summary>
    public bool IsWithdrawn
    {
        get
        {
            lock (_gate)
                return _state == State.Withdrawn;
        }
    }

    /// <summary>The order to vote has come. Without effect when withdrawn or agreed.</summary>
    public void Order()
    {
        lock (_gate)
        {
            if (_state == State.Silent)
                _state = State.Voting;
        }
    }

    /// <summary>The generation to write on the ballot, 0 for no vote; the same for every rank of the machine in one step. Must be followed by <see cref="Settle"/> or <see cref="Lost"/>.</summary>
    /// <param name="step">The step that is committed.</param>
    public int Cast(long step)
    {
        lock (_gate)
        {
            if (step == _castStep)
                return _cast;
            (_castStep, _cast) = (step, 0);
            if (_state != State.Voting)
                return 0;
            _state = State.InFlight;
            return _cast = Generation;
        }
    }

    /// <summary>The ballot's outcome is known. True when a withdrawal that had waited for it took effect now.</summary>
    /// <param name="agreed">All ranks voted for this generation.</param>
    public bool Settle(bool agreed)
    {
        lock (_gate)
        {
            if (_state != State.InFlight)
                return false;
            _state = agreed ? State.Agreed : _withdrawAsked ? State.Withdrawn : State.Voting;
            return _state == State.Withdrawn;
        }
    }

    /// <summary>The commit failed with the ballot in flight: some ranks may have seen it agreed.</summary>
    public void Lost()
    {
        lock (_gate)
        {
            if (_state == State.InFlight)
                _state = State.Unknown;
        }
    }

    /// <summary>The members agreed on the switch by other means: survivors' agreement, or a joiner that holds the state.</summary>
    public void Agree()
    {
        lock (_gate)
            _state = State.Agreed;
    }

    /// <summary>The rank told the survivors what it knows: they may act on it, so withdrawing is too late. False when withdrawn before.</summary>
    public bool Commit()
    {
        lock (_gate)
        {
            if (_state == State.Withdrawn)
                return false;
            if (_state is not State.Agreed)
                _state = State.Unknown;
            return true;
        }
    }

    /// <summary>Tries to take the vote back.</summary>
    public Withdrawal Withdraw()
    {
        lock (_gate)
        {
            switch (_state)
            {
                case State.Silent or State.Voting or State.Withdrawn:
                    _state = State.Withdrawn;
                    return Withdrawal.Done;
                case State.InFlight:
                    _withdrawAsked = true;
                    return Withdrawal.Pending;
                default:
                    return Withdrawal.TooLate;
            }
        }
    }
}
