using TrainMover.Fixtures;

[assembly: AssemblyFixture(typeof(KafkaFixture))]
