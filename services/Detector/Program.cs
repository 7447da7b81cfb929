using TrainMover.Contracts;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Jobs;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detector;
using TrainMover.Detector.Ingest;
using TrainMover.Detector.Jobs;
using TrainMover.Detector.Learned;
using TrainMover.Detector.Tuning;
using TrainMover.Domain.Detection;
using TrainMover.ServiceDefaults.Hosting;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Policy;

const string Name = "detector";
var builder = ServiceHost.CreateBuilder(Name, args);
ErrorCodePolicy policy;
LearnedModels models;
IReadOnlyList<ConfiguredDetector> configured;
try
{
    policy = ErrorCodePolicy.Load(builder.Configuration["TRAINMOVER_ERROR_CODES"]);
    models = LearnedModels.Load(builder.Configuration[LearnedModels.Setting]);
    configured = ConfiguredDetector.All(builder.Configuration, policy, models);
}
catch (Exception wrong) when (wrong is PolicyException or SettingsException)
{
    return ServiceHost.Refuse(Name, wrong.Message);
}

var settings = DeploymentSettings.FromEnvironment(needsPostgres: true);
builder.AddDecidingService(Name, settings, entry => entry.Topic is Topics.Interruptions or Topics.Detectors, messaging => messaging
    .Consume<MigrationConsumer>(Topics.Migrations)
    .Consume<JobConsumer>(Topics.Migrations)
    .Consume<ForeignInterruptionConsumer>(Topics.Interruptions)
    .Consume<TuningConsumer>(Topics.Detectors));
builder.Services.AddSingleton(new Detectors(new DetectionOptions())).AddSingleton(new SourceWindow(policy, new DeviceDetectorOptions())).AddSingleton<DetectorFacts>();
builder.Services.AddSingleton(configured).AddSingleton<TuningInForce>().AddSingleton<Started>();
builder.Services.AddSingleton(models).AddSingleton<LearnedFacts>();
builder.Services.AddSingleton<JobWindows>().AddSingleton<JobFacts>();
builder.Services.AddHealthChecks().AddCheck<SightHealth>(SightHealth.Name);
builder.Services.AddHostedService<TelemetryLoop>().AddHostedService<SilenceLoop>().AddHostedService<StartUp>();
if (builder.Configuration["TRAINMOVER_INGEST"] is { Length: > 0 } addresses) builder.WebHost.UseUrls(addresses.Split(';'));
var app = builder.Build();
app.MapIngest();
await app.RunAsync(Name, settings.RunFolder);
return 0;
