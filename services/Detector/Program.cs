using TrainMover.Contracts;
using TrainMover.Detector;
using TrainMover.Domain.Detection;
using TrainMover.ServiceDefaults.Hosting;

const string Name = "detector";
var builder = ServiceHost.CreateBuilder(Name, args);
var options = builder.Configuration.GetSection("Detection").Get<DetectionOptions>() ?? new DetectionOptions();
if (options.BrokenRule() is { } rule) return ServiceHost.Refuse(Name, rule);

var settings = DeploymentSettings.FromEnvironment(needsPostgres: true);
builder.AddDecidingService(Name, settings, entry => entry.Topic == Topics.Interruptions, messaging => messaging
    .Consume<MigrationConsumer>(Topics.Migrations)
    .Consume<ForeignInterruptionConsumer>(Topics.Interruptions));
builder.Services.AddSingleton(new Detectors(options)).AddSingleton<DetectorFacts>();
builder.Services.AddHostedService<TelemetryLoop>().AddHostedService<SilenceLoop>().AddHostedService<StartUp>();
await builder.Build().RunAsync(Name, settings.RunFolder);
return 0;
