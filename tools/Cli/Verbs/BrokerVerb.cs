using System.CommandLine;
using TrainMover.Embedded;

namespace TrainMover.Cli.Verbs;

/// <summary>Hidden: the embedded broker's process, started by a deployment.</summary>
internal static class BrokerVerb
{
    public static Command Create()
    {
        var address = new Option<string>("--address-file") { Description = "File that receives the bootstrap address.", Required = true };
        var port = new Option<int?>("--port") { Description = "Port to listen on; a free one unless given." };
        var command = new Command("broker", "Runs the embedded broker.") { Hidden = true };
        command.Options.Add(address);
        command.Options.Add(port);
        command.SetAction(async (parsed, ct) =>
        {
            await BrokerHost.RunAsync(parsed.GetRequiredValue(address), parsed.GetValue(port), ct);
            return 0;
        });
        return command;
    }
}
