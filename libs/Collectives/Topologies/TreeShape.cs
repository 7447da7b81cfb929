namespace TrainMover.Collectives;

/// <summary>
/// The two binary trees over the ranks of a group: whoever has children in one is a leaf of the other (but for one rank where their number is odd), so that both together load
/// every rank alike. Ranks here are places in the group; trees are 0 and 1.
/// </summary>
internal static class TreeShape
{
    public const int Trees = 2;

    /// <summary>Groups below this size have no trees: the ring is as short.</summary>
    public const int SmallestGroup = 3;

    // In order over places 1..size: the lowest set bit is the height, so odd places are leaves.
    /// <summary>The rank above, or -1 at the root.</summary>
    public static int ParentOf(int rank, int size, int tree)
    {
        var place = PlaceOf(rank, size, tree);
        var height = place & -place;
        var up = (place - height) | (height << 1);
        if (up > size)
            up = place - height;
        return up == 0 ? -1 : RankAt(up, size, tree);
    }

    /// <summary>The ranks below; -1 where there is none.</summary>
    public static (int First, int Second) ChildrenOf(int rank, int size, int tree)
    {
        var place = PlaceOf(rank, size, tree);
        var below = (place & -place) >> 1;
        var first = below == 0 ? -1 : RankAt(place - below, size, tree);
        while (below > 0 && place + below > size)
            below >>= 1;
        return (first, below == 0 ? -1 : RankAt(place + below, size, tree));
    }

    /// <summary>The neighbour of a rank on the way to another one.</summary>
    public static int Towards(int rank, int target, int size, int tree)
    {
        for (var at = target; at >= 0; at = ParentOf(at, size, tree))
        {
            if (ParentOf(at, size, tree) == rank)
                return at;
        }

        return ParentOf(rank, size, tree);
    }

    // The second tree is the first one mirrored, or shifted by one where a mirror would leave leaves in their place.
    private static int PlaceOf(int rank, int size, int tree) => tree == 0 ? rank + 1 : size % 2 == 0 ? size - rank : ((rank + 1) % size) + 1;

    private static int RankAt(int place, int size, int tree) => tree == 0 ? place - 1 : size % 2 == 0 ? size - place : (place - 2 + size) % size;
}
