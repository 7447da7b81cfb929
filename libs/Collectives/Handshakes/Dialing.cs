using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>The dialer's side of a hand-shake.</summary>
internal sealed class Dialing : Conversation
{
    private readonly TaskCompletionSource<Socket> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _payload;
    private readonly byte[] _key;
    private readonly CancellationToken _ct;
    private Step _step = Step.Connecting;

    private Dialing(Socket socket, Hello hello, byte[] key, TimeSpan patience, CancellationToken ct)
        : base(socket, patience)
    {
        _payload = Handshake.Payload(hello);
        _key = key;
        _ct = ct;
    }

    private enum Step
    {
        Connecting,
        Welcome,
        Ready,
    }

    public override short Events => _step == Step.Connecting ? Libc.PollOut : Libc.PollIn;

    /// <summary>The connection with its peer proven.</summary>
    public Task<Socket> Outcome => _outcome.Task;

    /// <exception cref="IOException">There is no way to the address.</exception>
    public static Dialing Start(IPEndPoint endPoint, Hello hello, byte[] key, TimeSpan patience, CancellationToken ct)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        if (Wire.TryConnect(socket, endPoint) is var error && error != 0)
        {
            socket.Dispose();
            throw new IOException(Wire.Explain(error));
        }

        return new Dialing(socket, hello, key, patience, ct);
    }

    public override unsafe bool Advance()
    {
        if (_ct.IsCancellationRequested)
            throw new IOException("It was given up.");
        if (_step == Step.Connecting)
        {
            var waited = new PollDescriptor { Descriptor = Descriptor, Events = Libc.PollOut };
            if (Libc.Poll(&waited, 1, 0) == 0)
                return false;
            var error = (int)Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != 0)
                throw new SocketException(error);
            Send(Handshake.HelloOf(_payload, _key));
            _step = Step.Welcome;
        }

        if (_step == Step.Welcome)
        {
            if (!TryTake(Handshake.WelcomeBytes, out var welcome))
                return false;
            Send(Handshake.Confirm(_payload, welcome, _key));
            _step = Step.Ready;

            // A listener may have taken long to learn of the generation, and counts on the connection from here on: whoever gave it up now would leave it with a dead one.
            Renew();
        }

        if (!TryTake(1, out var ready))
            return false;
        if (!Handshake.Ready.SequenceEqual(ready))
            throw new IOException("The peer did not take the connection.");
        if (!_outcome.TrySetResult(Socket))
            Socket.Dispose();
        return true;
    }

    public override void Fail(Exception cause) => _outcome.TrySetException(cause);
}
