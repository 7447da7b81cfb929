namespace TrainMover.Collectives;

/// <summary>
/// One of a group's trees as a rank has it. A reduction goes up (own, then first child, then second child) and its result down; a broadcast goes from its root outwards, along whatever
/// connections lead there. Everything flows byte by byte: what came in goes out while the rest comes.
/// </summary>
internal sealed unsafe class Tree : Route
{
    private readonly int _rank;
    private readonly int _size;
    private readonly int _tree;
    private readonly TreeLink? _parent;
    private readonly TreeLink[] _children;
    private readonly TreeLink[] _links;
    private RingFrame _frame;
    private RingFrameKind _kind;
    private TreeLink? _source;
    private byte* _data;
    private long _length;

    /// <param name="rank">This rank in the group.</param>
    /// <param name="size">Ranks of the group.</param>
    /// <param name="tree">Which of its trees.</param>
    /// <param name="links">The neighbours: parent, first child, second child, as far as there are any.</param>
    public Tree(int rank, int size, int tree, IEnumerable<TreeLink> links)
    {
        (_rank, _size, _tree) = (rank, size, tree);
        _links = [.. links];
        var parent = TreeShape.ParentOf(rank, size, tree);
        _parent = _links.FirstOrDefault(link => link.Neighbour == parent);
        _children = [.. _links.Where(link => link.Neighbour != parent)];
    }

    public IReadOnlyList<TreeLink> Links => _links;

    public override IEnumerable<DataEdge> Edges => _links.SelectMany(link => new DataEdge?[] { link.Outbound, link.Inbound }).OfType<DataEdge>();

    public override bool IsDone
    {
        get
        {
            foreach (var link in _links)
            {
                if (link.Sends || link.Receives || link.Outbound is { Drained: false })
                    return false;
            }

            return true;
        }
    }

    public override Member Awaited
    {
        get
        {
            foreach (var link in _links)
            {
                if (link.Receives)
                    return link.Inbound!.Peer;
            }

            foreach (var link in _links)
            {
                if (link.Sends || link.Outbound is { Drained: false })
                    return link.Outbound!.Peer;
            }

            return _links[0].Outbound!.Peer;
        }
    }

    public void Begin(in CollectiveCall call, in RingFrame frame, byte* data, long length)
    {
        _frame = frame;
        _frame.Length = length;
        _kind = call.Kind;
        _data = data;
        _length = length;
        var reduces = call.Kind != RingFrameKind.Broadcast;
        var source = reduces || call.Root == _rank ? -1 : TreeShape.Towards(_rank, call.Root, _size, _tree);
        _source = null;
        foreach (var link in _links)
        {
            var isSource = link.Neighbour == source;
            if (isSource)
                _source = link;
            link.Sends = reduces || !isSource;
            link.Receives = reduces || isSource;
            (link.Sent, link.Received) = (0, 0);
            if (link.Sends)
                link.Outbound!.Begin(_frame);
            if (link.Receives)
                link.Inbound!.Begin(length);
        }
    }

    public override void Release()
    {
        foreach (var link in _links)
            (link.Outbound, link.Inbound) = (null, null);
    }

    public override bool Advance()
    {
        var moved = false;
        foreach (var link in _links)
        {
            if (link.Receives)
                moved |= Receive(link);
        }

        foreach (var link in _links)
        {
            if (link.Sends)
                moved |= Send(link);
        }

        return moved;
    }

    public override int Describe(PollDescriptor* into)
    {
        var count = 0;
        foreach (var link in _links)
        {
            if (link.Sends && link.Outbound!.Descriptor >= 0)
                into[count++] = new PollDescriptor { Descriptor = link.Outbound.Descriptor, Events = Ready(link) > link.Sent ? Libc.PollOut : (short)0 };
            if (link.Receives && link.Inbound!.Descriptor >= 0)
                into[count++] = new PollDescriptor { Descriptor = link.Inbound.Descriptor, Events = !link.Inbound.HeaderDone || Wanted(link) > 0 ? Libc.PollIn : (short)0 };
        }

        return count;
    }

    public override int Check(PollDescriptor* returned)
    {
        var count = 0;
        foreach (var link in _links)
        {
            if (link.Sends && link.Outbound!.Descriptor >= 0)
                ExpectQuiet(link.Outbound, returned[count++]);
            if (link.Receives && link.Inbound!.Descriptor >= 0)
                count++;
        }

        return count;
    }

    /// <summary>Bytes that hold the sum of this rank and all below it.</summary>
    private long Reduced => _children.Length == 0 ? _length : _children[^1].Received;

    /// <summary>Bytes that may go to a neighbour.</summary>
    private long Ready(TreeLink to) => _kind == RingFrameKind.Broadcast
        ? _source?.Received ?? _length
        : to == _parent || _parent is null ? Reduced : _parent.Received;

    /// <summary>Bytes that may come from a neighbour now: a child's are added after those of the child before it, wherever they arrive first.</summary>
    private long Wanted(TreeLink from) =>
        (_kind != RingFrameKind.Broadcast && _children.Length == 2 && from == _children[1] ? _children[0].Received : _length) - from.Received;

    private bool Receive(TreeLink link)
    {
        var inbound = link.Inbound!;
        var moved = false;
        if (!inbound.HeaderDone)
        {
            moved = inbound.ReceiveHeader();
            if (!inbound.HeaderDone)
                return moved;
            Expect(_frame, inbound);
        }

        var at = _data + link.Received;
        var most = Math.Min(PieceBytes, Wanted(link));
        long received = 0;
        if (most > 0 && (_kind == RingFrameKind.Broadcast || link == _parent))
        {
            received = inbound.Receive(at, most);
        }
        else if (most > 0 && inbound.Peek(most, sizeof(float), out received) is var arrived && arrived is not null)
        {
            Reduction.Apply(_kind, (float*)at, (float*)arrived, received / sizeof(float));
            inbound.Consume(received);
        }

        link.Received += received;
        link.Receives = link.Received < _length;
        return moved || received > 0;
    }

    private bool Send(TreeLink link)
    {
        var outbound = link.Outbound!;
        var sendable = Ready(link) - link.Sent;
        if (sendable == 0 && !(outbound.HeaderPending && _length == 0))
            return false;
        var moved = outbound.Send(_data + link.Sent, sendable, out var sent);
        link.Sent += sent;
        link.Sends = link.Sent < _length || outbound.HeaderPending;
        return moved;
    }
}
