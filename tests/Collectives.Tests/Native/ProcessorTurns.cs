namespace TrainMover.Collectives.Tests.Native;

public class ProcessorTurns
{
    private const int Usual = 0;
    private const int RoundRobin = 2;

    [Fact]
    public void Whoever_computes_after_it_was_urgent_is_a_usual_thread_again()
    {
        var policies = OnThread(() =>
        {
            var urgent = PolicyWhileUrgent();
            return (urgent, Policy());
        });
        policies.Item1.ShouldBeOneOf(RoundRobin, Usual);
        policies.Item2.ShouldBe(Usual);
    }

    [Fact]
    public void Threads_of_an_urgent_one_are_usual() => OnThread(() =>
    {
        ProcessorTurn.AskForNow();
        return OnThread(Policy);
    }).ShouldBe(Usual);

    [Fact]
    public void A_thread_can_be_made_urgent_by_another_one()
    {
        var policies = OnThread(() =>
        {
            var permitted = PolicyWhileUrgent();
            var thread = ProcessorTurn.ThisThread;
            OnThread(() =>
            {
                ProcessorTurn.AskForNow(thread);
                return true;
            });
            return (permitted, Policy());
        });
        policies.Item2.ShouldBe(policies.permitted);
    }

    [Fact]
    public void A_process_that_does_things_for_the_first_time_lets_others_go_first()
    {
        ProcessorTurn.MayGoFirst = false;
        try
        {
            OnThread(() =>
            {
                ProcessorTurn.AskForNow();
                ProcessorTurn.AskForNow(ProcessorTurn.ThisThread);
                return Policy();
            }).ShouldBe(Usual);
        }
        finally
        {
            ProcessorTurn.MayGoFirst = true;
        }
    }

    [Fact]
    public void Whether_it_is_permitted_is_found_without_being_urgent()
    {
        var seen = OnThread(() => (Permitted: ProcessorTurn.IsPermitted, After: Policy(), Urgent: PolicyWhileUrgent()));
        seen.After.ShouldBe(Usual);
        seen.Permitted.ShouldBe(seen.Urgent == RoundRobin);
    }

    private static int PolicyWhileUrgent()
    {
        ProcessorTurn.AskForNow();
        var policy = Policy();
        ProcessorTurn.AskForMuch();
        return policy;
    }

    private static T OnThread<T>(Func<T> act)
    {
        var result = default(T);
        var thread = new Thread(() => result = act());
        thread.Start();
        thread.Join();
        return result!;
    }

    // Field 41 of the thread's line (proc_pid_stat(5)); the second one, its name, may hold anything but ends with a bracket.
    private static int Policy()
    {
        const int FieldsBefore = 3;
        var line = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(line[(line.LastIndexOf(')') + 2)..].Split(' ')[41 - FieldsBefore], System.Globalization.CultureInfo.InvariantCulture);
    }
}
