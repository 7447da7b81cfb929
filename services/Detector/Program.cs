using TrainMover.Contracts;
using TrainMover.Detector;
using TrainMover.Detector.Ingest;
using TrainMover.Detector.Sources;
using TrainMover.Domain.Detection;
using TrainMover.ServiceDefaults.Hosting;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Policy;

const string Name = "detector";
var builder = ServiceHost.CreateBuilder(Name, args);
var options = builder.Configuration.GetSection("Detection").Get<DetectionOptions>() ?? new DetectionOptions();
var devices = builder.Configuration.GetSection("Devices").Get<DeviceDetectorOptions>() ?? new DeviceDetectorOptions();
if ((options.BrokenRule() ?? devices.BrokenRule()) is { } rule) return ServiceHost.Refuse(Name, rule);
ErrorCodePolicy policy;
try
{
    policy = ErrorCodePolicy.Load(builder.Configuration["TRAINMOVER_ERROR_CODES"]);
}
catch (PolicyException wrong)
{
    return ServiceHost.Refuse(Name, wrong.Message);
}

var settings = DeploymentSettings.FromEnvironment(needsPostgres: true);
builder.AddDecidingService(Name, settings, entry => entry.Topic == Topics.Interruptions, messaging => messaging
    .Consume<MigrationConsumer>(Topics.Migrations)
    .Consume<ForeignInterruptionConsumer>(Topics.Interruptions));
builder.Services.AddSingleton(new Detectors(options)).AddSingleton(new SourceWindow(policy, devices)).AddSingleton<DetectorFacts>();
builder.Services.AddHostedService<TelemetryLoop>().AddHostedService<SilenceLoop>().AddHostedService<StartUp>();
if (builder.Configuration["TRAINMOVER_INGEST"] is { Length: > 0 } addresses) builder.WebHost.UseUrls(addresses.Split(';'));
var app = builder.Build();
app.MapIngest();
await app.RunAsync(Name, settings.RunFolder);
return 0;
