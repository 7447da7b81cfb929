using TrainMover.Fixtures;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

// Whole deployments share two cores: one at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
