using TrainMover.Cli.Story;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Cli.Demo;

/// <summary>Puts the report together: migrations from the event log, steps from telemetry.</summary>
internal static class ReportBuilder
{
    public static DemoReport Build(RunRecord run, ReferenceResult reference)
    {
        var times = new StepTimes(run.Steps);
        var migrations = run.Stories.Select(story => Migration(story, times)).ToList();
        var wall = run.Steps.Count < 2 ? 0 : (run.Steps[^1].CompletedNs - run.Steps[0].CompletedNs) / 1e9 + (run.Steps[0].Ms / 1e3);
        var pause = migrations.Sum(migration => migration.PauseMs) / 1e3;
        return new DemoReport(
            new ReportedJob(run.Job.JobId, run.Job.Layout, run.Job.Steps, reference.Parameters),
            [.. run.Steps.Select(step => new ReportedStep(step.Step, step.Loss, step.Ms))],
            migrations,
            new ReportedEfficiency(wall, pause, wall > 0 ? Math.Max(0, (wall - pause) / wall) : 0),
            Compare(run, reference),
            new ReportedAudit(run.Events.Count, run.Integrity.Intact, run.Unpublished));
    }

    private static ReportedMigration Migration(MigrationStory story, StepTimes times)
    {
        var move = story.Plan.Moves[0];
        var completed = story.Completed;
        return new ReportedMigration(
            story.Plan.MigrationId,
            story.IsUnexpected ? "unexpected" : "expected",
            move.Leaver,
            move.Joiner,
            story.Plan.Reason,
            EventText.Named(story.StateSource),
            story.DetectionMs ?? 0,
            story.PauseMs ?? 0,
            times.MedianMs,
            story is { StoppedNs: { } stopped, ResumedNs: { } resumed } ? times.GapMs(stopped, resumed) : 0,
            [.. story.Phases().Select(phase => new ReportedPhase(phase.Name, phase.StartMs, phase.Ms))],
            completed?.LostSteps ?? 0,
            completed?.Connections ?? new ConnectionDelta(0, 0, 0, 0),
            completed?.StateBytes ?? 0,
            completed?.StayerDeviceBytes ?? 0,
            StoryTables.Phase(story));
    }

    private static ReportedReference Compare(RunRecord run, ReferenceResult reference)
    {
        var told = run.Steps.ToDictionary(step => step.Step, step => step.LossBits);
        long? differing = null;
        for (var step = 0; step < reference.LossBits.Count && differing is null; step++)
        {
            if (!told.TryGetValue(step, out var bits) || bits != reference.LossBits[step]) differing = step;
        }

        var final = run.Events.Select(logged => logged.Data).OfType<JobCompleted>().LastOrDefault()?.Digests ?? [];
        var digests = reference.Digests
            .Select((digest, rank) => new ReportedDigest(rank, final.FirstOrDefault(found => found.Rank == rank)?.Digest ?? "", digest)).ToList();
        var identical = differing is null && reference.LossBits.Count == run.Job.Steps && digests.TrueForAll(digest => digest.Run == digest.Reference);
        return new ReportedReference(identical, differing, digests);
    }
}
