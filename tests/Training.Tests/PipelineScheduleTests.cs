namespace TrainMover.Training.Tests;

public class PipelineScheduleTests
{
    [Fact]
    public void A_stage_warms_up_and_then_alternates_with_one_exchange_where_it_both_sends_and_receives()
    {
        string Text(PipelineAction action) => action.Kind switch
        {
            PipelineActionKind.Forward => $"F{action.First}",
            PipelineActionKind.Backward => $"B{action.First}",
            _ => $"{(action.Kind == PipelineActionKind.Next ? ">" : "<")}({Number(action.First)},{Number(action.Incoming)})",
        };
        static string Number(int microBatch) => microBatch == PipelineAction.Nothing ? "-" : $"{microBatch}";

        string.Join(' ', PipelineSchedule.Of(1, 3, 3).Select(Text)).ShouldBe(
            "<(-,0) F0 >(0,-) <(-,1) F1 >(1,0) B0 <(0,2) F2 >(2,1) B1 <(1,-) >(-,2) B2 <(2,-)");
        string.Join(' ', PipelineSchedule.Of(0, 1, 2).Select(Text)).ShouldBe("F0 B0 F1 B1");
    }

    [Fact]
    public void Both_ends_of_every_edge_list_the_same_exchanges_and_no_stage_holds_more_than_it_may()
    {
        for (var stages = 1; stages <= 6; stages++)
        {
            for (var microBatches = 1; microBatches <= 9; microBatches++)
            {
                var schedules = Enumerable.Range(0, stages).Select(stage => PipelineSchedule.Of(stage, stages, microBatches)).ToArray();
                for (var stage = 0; stage < stages; stage++)
                {
                    if (stage + 1 < stages)
                        Exchanges(schedules[stage], PipelineActionKind.Next).ShouldBe(Exchanges(schedules[stage + 1], PipelineActionKind.Previous).Select(edge => (edge.In, edge.Out)));
                    HighestInFlight(schedules[stage]).ShouldBe(PipelineSchedule.InFlight(stage, stages, microBatches));
                    Computed(schedules[stage], PipelineActionKind.Forward).ShouldBe(Enumerable.Range(0, microBatches));
                    Computed(schedules[stage], PipelineActionKind.Backward).ShouldBe(Enumerable.Range(0, microBatches));
                }
            }
        }
    }

    private static IEnumerable<(int Out, int In)> Exchanges(IEnumerable<PipelineAction> actions, PipelineActionKind kind) =>
        actions.Where(action => action.Kind == kind).Select(action => (action.First, action.Incoming));

    private static IEnumerable<int> Computed(IEnumerable<PipelineAction> actions, PipelineActionKind kind) =>
        actions.Where(action => action.Kind == kind).Select(action => action.First);

    private static int HighestInFlight(IEnumerable<PipelineAction> actions)
    {
        var (held, highest) = (0, 0);
        foreach (var action in actions)
        {
            held += action.Kind switch { PipelineActionKind.Forward => 1, PipelineActionKind.Backward => -1, _ => 0 };
            highest = Math.Max(highest, held);
        }

        return highest;
    }
}
