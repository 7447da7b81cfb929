using TrainMover.Cli.CommandLine;

return await Entry.RunAsync(args);
