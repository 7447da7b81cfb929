using TrainMover.Agent;

namespace TrainMover.NodeAgent.Tests;

public sealed class ProcessStateTests
{
    [Theory]
    [InlineData("4711 (dotnet) S 1 4711 4711 0 -1 0", false, false)]
    [InlineData("4711 (dotnet) T 1 4711 4711 0 -1 0", true, false)]
    [InlineData("4711 (a) T (b) R 1 4711 4711 0 -1 0", false, false)]
    [InlineData("4711 (dotnet) t 1 4711 4711 0 -1 0", true, false)]
    [InlineData("4711 (dotnet) Z 1 4711 4711 0 -1 9", false, true)]
    [InlineData("", false, false)]
    [InlineData("4711 (dotnet", false, false)]
    public void A_process_that_is_stopped_or_ends_is_told_from_one_that_runs(string stat, bool isStopped, bool isEnding)
    {
        var state = ProcessState.Read(stat);
        (state.IsStopped, state.IsEnding).ShouldBe((isStopped, isEnding));
    }

    [Theory]
    [InlineData("1 (x) Z 0 9\n", "The worker was killed by signal 9.")]
    [InlineData("1 (x) Z 0 139\n", "The worker was killed by signal 11.")]
    [InlineData("1 (x) Z 0 0\n", "The worker ended by itself.")]
    [InlineData("1 (x) Z 0 256\n", "The worker ended with exit code 1.")]
    public void How_a_process_ends_is_said_as_its_parent_will_learn_it(string stat, string said) => ProcessState.Read(stat).DescribeEnd().ShouldBe(said);

    [Fact]
    public void This_process_runs() => ProcessState.Of(Environment.ProcessId).ShouldBe(new ProcessState(false, false, ProcessState.Of(Environment.ProcessId).WaitStatus));
}
