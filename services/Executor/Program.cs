using TrainMover.Contracts;
using TrainMover.Contracts.Migrations;
using TrainMover.Executor;
using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Hosting;

const string Name = "executor";
var builder = ServiceHost.CreateBuilder(Name, args);
var settings = DeploymentSettings.FromEnvironment(needsPostgres: true);
builder.AddDecidingService(Name, settings, Owns, messaging => messaging
    .Consume<MigrationConsumer>(Topics.Migrations)
    .Consume<ReportConsumer>(Topics.Progress));
builder.Services.AddSingleton<OrderSender>().AddSingleton<ICommitted>(provider => provider.GetRequiredService<OrderSender>());
builder.Services.AddSingleton<Wake>().AddSingleton<ICommitted>(provider => provider.GetRequiredService<Wake>());
builder.Services.AddSingleton<ExecutorFacts>().AddHostedService<DeadlineWatch>();
await builder.Build().RunAsync(Name, settings.RunFolder);
return 0;

static bool Owns(CatalogEntry entry) => entry.Topic == Topics.Migrations
    && entry.Name.StartsWith("trainmover.migration.", StringComparison.Ordinal)
    && entry.ClrType != typeof(MigrationPlanned) && entry.ClrType != typeof(MigrationEscalated) && entry.ClrType != typeof(MigrationSuperseded);
