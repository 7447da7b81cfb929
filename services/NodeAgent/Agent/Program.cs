using TrainMover.Agent;
using TrainMover.Agent.Sources;
using TrainMover.Messaging;
using TrainMover.NodeAgent.Rpc;
using TrainMover.ServiceDefaults.Hosting;

AgentOptions options;
KafkaOptions kafka;
try
{
    options = AgentOptions.Parse(args);
    kafka = KafkaOptions.FromEnvironment($"agent-{options.Machine}");
}
catch (Exception wrong) when (wrong is FormatException or KafkaOptionsException)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

var builder = WebApplication.CreateBuilder(ServiceHost.Options());
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));
builder.Services.AddSingleton(options).AddSingleton(kafka).AddSingleton<KafkaPublisher>();
builder.Services.AddSingleton<WorkerView>().AddSingleton<IWorkerObserver, WorkerObserver>();
builder.Services.AddSingleton<Outgoing>().AddHostedService(services => services.GetRequiredService<Outgoing>());
builder.Services.AddSingleton<Announcer>().AddHostedService(services => services.GetRequiredService<Announcer>());
builder.Services.AddHostedService<HeartbeatSource>();
builder.Services.AddHostedService<WorkerSupervisor>();
builder.Services.AddHostedService<CommandRelay>();
builder.Services.AddHostedService<Rehearsal>();
builder.Services.AddSingleton(TimeProvider.System).AddHostedService<KernelLogSource>().AddHostedService<PrometheusSource>();

var app = builder.Build();
app.MapGet("/health", (WorkerView view, Outgoing outgoing) => AgentHealth.Of(view, outgoing));
await app.StartAsync();
var urlFile = Path.Combine(options.RunFolder, $"agent-{options.Machine}.url");
await File.WriteAllTextAsync(urlFile + ".new", app.Urls.First());
File.Move(urlFile + ".new", urlFile, overwrite: true);
await app.WaitForShutdownAsync();
return 0;
