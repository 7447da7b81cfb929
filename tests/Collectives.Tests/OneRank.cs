namespace TrainMover.Collectives.Tests;

internal static class OneRank
{
    extension(MachineGroups groups)
    {
        /// <summary>The data-parallel group of a machine's lowest rank.</summary>
        public ICommunicator DataParallel => groups[groups.Ranks[0]].DataParallel;
    }
}
