using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

internal static class DownVerb
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(8);

    public static Command Create()
    {
        var command = new Command("down", "Stops the deployment that \"up\" left running.");
        command.SetAction(async (parsed, _) =>
        {
            var output = Output.Of(parsed);
            var access = Access.Current();
            if (access.Deployed?.Owner is { } owner && owner.IsAlive())
                throw new BadInputException($"The deployment belongs to process {owner.Pid}, which stops it when it ends: end that with Ctrl-C.");
            var stopped = await Deployment.StopAsync(access.Directory, StopTimeout, output.Progress);
            if (output.IsJson) output.Json(new { stopped });
            else output.Line(stopped.Count == 0 ? "Nothing was running." : $"Stopped {string.Join(", ", stopped)}.");
            return 0;
        });
        return command;
    }
}
