using TrainMover.Contracts;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Planning;
using TrainMover.Planner;
using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Hosting;

const string Name = "planner";
var builder = ServiceHost.CreateBuilder(Name, args);
var options = builder.Configuration.GetSection("Planning").Get<PlanningOptions>() ?? new PlanningOptions();
if (options.BrokenRule() is { } rule) return ServiceHost.Refuse(Name, rule);

var settings = DeploymentSettings.FromEnvironment(needsPostgres: true);
builder.AddDecidingService(Name, settings, Owns, messaging => messaging
    .Consume<InterruptionConsumer>(Topics.Interruptions)
    .Consume<MigrationConsumer>(Topics.Migrations)
    .Consume<ReportConsumer>(Topics.Progress));
builder.Services.AddSingleton(new Planner(options)).AddSingleton<PlannerFacts>().AddHostedService<StartUp>();
await builder.Build().RunAsync(Name, settings.RunFolder);
return 0;

static bool Owns(CatalogEntry entry) => entry.Topic == Topics.Fleet
    || (entry.Topic == Topics.Migrations && entry.Name.StartsWith("trainmover.job.", StringComparison.Ordinal))
    || entry.ClrType == typeof(MigrationPlanned) || entry.ClrType == typeof(MigrationEscalated) || entry.ClrType == typeof(MigrationSuperseded);
