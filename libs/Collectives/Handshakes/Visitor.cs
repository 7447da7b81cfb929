using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>The listener's side of a hand-shake. A peer may be ahead of this side and dial for a generation that is not known here yet: it is parked, within bounds.</summary>
internal sealed class Visitor(Socket socket, TimeSpan patience, Reception reception) : Conversation(socket, patience)
{
    private Step _step = Step.Start;
    private int _payloadBytes;
    private byte[] _payload = [];
    private byte[] _proof = [];
    private byte[] _confirm = [];
    private Hello? _hello;
    private Membership? _membership;

    private enum Step
    {
        Start,
        Hello,
        Parked,
        Confirm,
    }

    public bool IsParked => _step == Step.Parked;

    public GenerationKey Generation => _hello!.Key;

    public override short Events => IsParked ? (short)0 : Libc.PollIn;

    public override bool Advance()
    {
        if (_step == Step.Start)
        {
            if (!TryTake(Handshake.StartBytes, out var start))
                return false;
            _payloadBytes = Handshake.PayloadBytes(start);
            _step = Step.Hello;
        }

        if (_step == Step.Hello)
        {
            if (!TryTake(_payloadBytes + Handshake.ProofBytes, out var bytes))
                return false;
            (_payload, _proof) = (bytes[.._payloadBytes], bytes[_payloadBytes..]);
            _hello = Hello.Decode(_payload);
            if (!reception.IsConcernedBy(_hello))
                throw new IOException("It is meant for somebody else, or for a generation that is over.");
            _step = Step.Parked;
            Renew();
        }

        if (_step == Step.Parked)
        {
            _membership = reception.Find(Generation);
            if (_membership is null)
                return false;
            if (!_membership.Admits(_hello!))
                throw new IOException("The generation does not expect this connection.");
            var (welcome, confirm) = Handshake.Answer(_payload, _proof, _membership.To.Key);
            _confirm = confirm;
            Send(welcome);
            _step = Step.Confirm;
            Renew();
        }

        if (!TryTake(Handshake.ProofBytes, out var proof))
            return false;
        Handshake.Expect(proof, _confirm);
        Send(Handshake.Ready);
        if (!_membership!.Deliver(_hello!, Socket))
            throw new IOException("The connection came twice, or too late.");
        return true;
    }

    public override void Fail(Exception cause) => reception.CountRejection();
}
