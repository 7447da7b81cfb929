using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>What a rank gets of its state from one source.</summary>
internal enum StatePart
{
    /// <summary>Everything, or a stripe of everything.</summary>
    All,

    /// <summary>Parameters and the rank's own moments, which the source keeps as the second copy of a sharded optimizer's part.</summary>
    ParametersAndOwnMoments,

    /// <summary>The second copy of the predecessor's moments, which are the source's own.</summary>
    BackupMoments,
}

/// <summary>One transfer of state to a rank of a joiner.</summary>
/// <param name="Rank">Rank that receives.</param>
/// <param name="SourceRank">Rank that sends.</param>
/// <param name="Source">Machine that sends.</param>
/// <param name="Joiner">Machine that receives.</param>
/// <param name="Stream">Number of the transfer between the two machines.</param>
/// <param name="Part">What it carries.</param>
/// <param name="Stripe">Which of the equal stripes, from 0.</param>
/// <param name="Stripes">Number of stripes.</param>
internal sealed record StateRoute(int Rank, int SourceRank, string Source, string Joiner, int Stream, StatePart Part = StatePart.All, int Stripe = 0, int Stripes = 1);

/// <summary>Who sends which part of the state to whom: a pure function of the plan, so that senders and receivers agree without a word.</summary>
internal static class StateRoutes
{
    /// <summary>Each rank from the leaver that holds it.</summary>
    public static IReadOnlyList<StateRoute> FromLeaver(PrepareRequest request, MachineMove move) =>
        [.. request.To.RanksOf(move.Joiner).Select((rank, stream) => new StateRoute(rank, rank, move.Leaver, move.Joiner, stream))];

    /// <summary>Each rank from the survivors that hold copies, a stripe from each; null where some rank has no copy left.</summary>
    public static IReadOnlyList<StateRoute>? FromSurvivors(PrepareRequest request)
    {
        var routes = new List<StateRoute>();
        var streams = new Dictionary<(string, string), int>();
        foreach (var move in request.Moves)
        {
            foreach (var rank in request.To.RanksOf(move.Joiner))
            {
                var ofRank = request.Job.Recipe.ShardOptimizer ? Sharded(request, rank) : Striped(request, rank);
                if (ofRank.Count == 0)
                    return null;
                routes.AddRange(ofRank.Select(route =>
                {
                    var link = (route.Source, move.Joiner);
                    var stream = streams[link] = streams.GetValueOrDefault(link, -1) + 1;
                    return route with { Joiner = move.Joiner, Stream = stream };
                }));
            }
        }

        return routes;
    }

    private static List<StateRoute> Striped(PrepareRequest request, int rank)
    {
        var holders = Replicas(request, rank).Where(replica => Survives(request, replica)).ToList();
        return [.. holders.Select((holder, stripe) => Route(request, rank, holder) with { Stripe = stripe, Stripes = holders.Count })];
    }

    // The next data-parallel rank keeps the second copy of a part; the rank itself keeps that of the previous one.
    private static List<StateRoute> Sharded(PrepareRequest request, int rank)
    {
        var replicas = Replicas(request, rank).ToList();
        if (replicas.Count == 0 || !Survives(request, replicas[0]) || !Survives(request, replicas[^1]))
            return [];
        return
        [
            Route(request, rank, replicas[0]) with { Part = StatePart.ParametersAndOwnMoments },
            Route(request, rank, replicas[^1]) with { Part = StatePart.BackupMoments },
        ];
    }

    private static StateRoute Route(PrepareRequest request, int rank, int source) => new(rank, source, request.To[source].Machine, "", 0);

    /// <summary>Ranks with the same parameters: the next data-parallel one first, the previous one last.</summary>
    private static IEnumerable<int> Replicas(PrepareRequest request, int rank)
    {
        var layout = request.To.Layout;
        var at = layout.PositionOf(rank);
        return Enumerable.Range(1, layout.Dp - 1).Select(distance => layout.RankAt(at with { Dp = (at.Dp + distance) % layout.Dp }));
    }

    private static bool Survives(PrepareRequest request, int rank) => request.RoleOf(request.To[rank].Machine) == MigrationRole.Stayer;
}
