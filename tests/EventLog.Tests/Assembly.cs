using TrainMover.Fixtures;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
