using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Migrations;

/// <summary>What every plan must obey before anybody acts on it.</summary>
public static class PlanRules
{
    /// <summary>Checks a plan.</summary>
    /// <exception cref="DomainRuleException">Names the broken rule.</exception>
    public static void Check(MigrationPlan plan)
    {
        Require(plan.To.Generation > plan.From.Generation, $"generation {plan.To.Generation} does not follow {plan.From.Generation}");
        Require(plan.Moves.Count > 0, "nobody moves");
        Require(plan.Interruptions.Count > 0, "it answers no interruption");
        Require(plan.From.Ranks.Count == plan.To.Ranks.Count, "the number of ranks changes");
        Require(plan.Moves.Select(move => move.Joiner).Distinct().Count() == plan.Moves.Count, "a joiner is named twice");
        Require(plan.Moves.SelectMany(move => move.Ranks).Distinct().Count() == plan.Moves.Sum(move => move.Ranks.Count), "a rank moves twice");
        var moves = plan.Moves.SelectMany(move => move.Ranks, (move, rank) => (move, rank)).ToDictionary(pair => pair.rank, pair => pair.move);
        foreach (var (before, after) in plan.From.Ranks.Zip(plan.To.Ranks))
        {
            Require(before.Rank == after.Rank, $"rank {before.Rank} changes its place");
            if (moves.TryGetValue(before.Rank, out var move))
                Require(before.MachineId == move.Leaver && after.MachineId == move.Joiner, $"rank {before.Rank} does not move from {move.Leaver} to {move.Joiner}");
            else
                Require(before == after, $"rank {before.Rank} moves though no move names it");
        }

        Require(plan.Moves.All(move => !plan.From.Has(move.Joiner)), "a joiner holds ranks already");
        Require(plan.Moves.All(move => !plan.To.Has(move.Leaver)), "a leaver keeps ranks");

        void Require(bool holds, string otherwise)
        {
            if (!holds) throw new DomainRuleException($"Plan {plan.MigrationId} is not valid: {otherwise}.");
        }
    }
}
