using TrainMover.Detection.Findings;
using TrainMover.Detection.Stragglers;

namespace TrainMover.Detection.Tests;

public class PeerSlowdownTests
{
    private const int Workers = 4;

    [Fact]
    public void A_worker_that_becomes_a_fifth_slower_is_found_within_ten_iterations_and_no_other()
    {
        var detector = new PeerSlowdown();
        var findings = Run(detector, 60, (iteration, worker) => Noisy(iteration, worker) * (worker == 2 && iteration >= 30 ? 1.2 : 1));
        var finding = findings.ShouldHaveSingleItem();
        finding.Kind.ShouldBe(FindingKind.SlowWorker);
        finding.Subject.ShouldBe("w2");
        finding.At.ShouldBeInRange(31, 39);
        finding.AsksForMigration.ShouldBeTrue();
        finding.Evidence.RuledOut.Count.ShouldBe(6);
    }

    [Fact]
    public void Two_workers_of_four_that_share_a_busy_core_are_no_stragglers_and_one_that_is_slower_still_is() =>
        Run(new PeerSlowdown(), 200, (iteration, worker) => Noisy(iteration, worker) * (iteration < 30 || worker is 0 or 3 ? 1 : worker == 1 && iteration >= 100 ? 1.6 : 1.3))
            .Where(finding => finding.Kind == FindingKind.SlowWorker).Select(finding => (finding.Subject, finding.At is > 100 and < 110)).ShouldBe([("w1", true)]);

    [Fact]
    public void What_noise_makes_a_worker_seem_slower_by_is_not_taken_for_its_usual_pace()
    {
        // For a while some share a busy core, now these and now those, and w2 more often than not.
        static double Busy(int iteration, int worker) => iteration is >= 20 and < 84 && (worker == 2 ? iteration % 5 > 0 : (iteration + worker) % 3 == 0) ? 1.09 : 1;
        var finding = Run(new PeerSlowdown(new PeerSlowdownSettings { Spreads = 0 }), 184, (iteration, worker) => Noisy(iteration, worker) * Busy(iteration, worker) * (worker == 2 && iteration >= 84 ? 1.17 : 1))
            .ShouldHaveSingleItem();
        (finding.Subject, finding.At is > 84 and < 104).ShouldBe(("w2", true));
    }

    [Fact]
    public void A_job_that_becomes_slower_as_a_whole_has_no_straggler() =>
        Run(new PeerSlowdown(), 60, (iteration, worker) => Noisy(iteration, worker) * (iteration >= 30 ? 3 : 1)).ShouldBeEmpty();

    [Fact]
    public void A_worker_that_was_always_somewhat_slower_is_no_straggler() =>
        Run(new PeerSlowdown(), 60, (iteration, worker) => Noisy(iteration, worker) * (worker == 1 ? 1.09 : 1)).ShouldBeEmpty();

    [Theory]
    [InlineData(1.05, false)]
    [InlineData(1.3, true)]
    public void A_worker_that_was_faster_than_its_peers_is_a_straggler_when_it_is_slower_than_they_are_and_not_before(double later, bool found) =>
        Run(new PeerSlowdown(), 120, (iteration, worker) => Noisy(iteration, worker) * (worker == 1 ? (iteration < 40 ? 0.8 : later) : 1))
            .Any(finding => finding is { Kind: FindingKind.SlowWorker, Subject: "w1" }).ShouldBe(found);

    [Fact]
    public void One_slow_iteration_is_no_straggler() =>
        Run(new PeerSlowdown(), 60, (iteration, worker) => iteration == 30 && worker == 3 ? 50 : Noisy(iteration, worker)).ShouldBeEmpty();

    [Fact]
    public void Where_the_work_of_all_differs_from_iteration_to_iteration_nobody_is_slow()
    {
        // Factors between 0.6 and 1.6, in no order that anybody shares.
        static double Skewed(int iteration, int worker) => 0.6 + (((iteration * 37) + (worker * 61) + (iteration * worker * 17)) % 97 / 97.0);
        Run(new PeerSlowdown(), 400, (iteration, worker) => Noisy(iteration, worker) * (iteration >= 30 ? Skewed(iteration, worker) : 1)).ShouldBeEmpty();
    }

    [Fact]
    public void Two_long_iterations_close_together_are_chance_where_three_are_asked_for()
    {
        static double Long(int iteration, int worker) => worker == 1 && iteration is (30 or 31) ? 2 : 1;
        Run(new PeerSlowdown(new PeerSlowdownSettings { Iterations = 3 }), 100, (iteration, worker) => worker == 1 ? Long(iteration, worker) : 1).ShouldBeEmpty();
        Run(new PeerSlowdown(), 60, (iteration, worker) => worker == 1 ? Long(iteration, worker) : 1).Where(finding => finding.Kind == FindingKind.SlowWorker).ShouldHaveSingleItem().At.ShouldBe(31);
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(60, 1)]
    [InlineData(120, 1)]
    public void A_worker_whose_neighbour_is_busy_for_a_moment_is_no_straggler_where_slowness_has_to_last(int slow, int found)
    {
        // 50 ms an iteration: two seconds are 40 of them.
        var detector = new PeerSlowdown(new PeerSlowdownSettings { Lasting = TimeSpan.FromSeconds(2) });
        var findings = Run(detector, 200, (iteration, worker) => worker == 0 && iteration >= 20 && iteration < 20 + slow ? 1.5 : 1, TimeSpan.FromMilliseconds(50));
        findings.Where(finding => finding.Kind == FindingKind.SlowWorker).Select(finding => finding.At).ShouldBe(Enumerable.Repeat(59L, found));
    }

    [Fact]
    public void Moments_of_slowness_do_not_add_up_to_slowness_that_lasts()
    {
        var detector = new PeerSlowdown(new PeerSlowdownSettings { Lasting = TimeSpan.FromSeconds(2) });
        Run(detector, 400, (iteration, worker) => worker == 0 && iteration % 50 is >= 20 and < 30 ? 1.5 : 1, TimeSpan.FromMilliseconds(50)).ShouldBeEmpty();
    }

    [Fact]
    public void Cores_that_others_use_too_make_nobody_slow_and_hide_nobody()
    {
        Watch(slowness: 1, knowsCores: true).ShouldBeEmpty();
        Watch(slowness: 1.2, knowsCores: true).Select(finding => (finding.Subject, finding.At is > 60 and <= 70)).ShouldBe([("w2", true)]);
        Watch(slowness: 1.2, knowsCores: false).Where(finding => finding is { Subject: "w2", At: <= 70 }).ShouldBeEmpty();

        // Two workers on each of two cores, in turn with each other, and a core at times a third slower than the other one.
        static List<Finding> Watch(double slowness, bool knowsCores)
        {
            var detector = new PeerSlowdown(new PeerSlowdownSettings { Spreads = 0, ChanceEvery = 1e10 });
            var chance = new Random(17);
            return
            [
                .. Enumerable.Range(0, 90).SelectMany(iteration =>
                {
                    int[] cores = [0, 0, 1, 1];
                    chance.Shuffle(cores);
                    double[] paces = [1 + (0.3 * chance.NextDouble()), 1 + (0.3 * chance.NextDouble())];
                    var times = Enumerable.Range(0, Workers).ToDictionary(worker => $"w{worker}", worker => Noisy(iteration, worker) * paces[cores[worker]] * (worker == 2 && iteration >= 60 ? slowness : 1));
                    var known = Enumerable.Range(0, Workers).ToDictionary(worker => $"w{worker}", IReadOnlyDictionary<string, double> (worker) => new Dictionary<string, double> { [$"host/{cores[worker]}"] = 1 });
                    return detector.Observe(iteration, times, default, knowsCores ? known : null);
                }),
            ];
        }
    }

    [Fact]
    public void Workers_with_cores_of_their_own_are_measured_against_all_peers()
    {
        var (alone, plain) = (new PeerSlowdown(), new PeerSlowdown());
        for (var iteration = 0; iteration < 60; iteration++)
        {
            var times = Enumerable.Range(0, Workers).ToDictionary(worker => $"w{worker}", worker => Noisy(iteration, worker) * (worker == 2 && iteration >= 30 ? 1.2 : 1));
            var cores = times.Keys.ToDictionary(worker => worker, IReadOnlyDictionary<string, double> (worker) => new Dictionary<string, double> { [$"{worker}/0"] = 1 });
            alone.Observe(iteration, times, default, cores).Select(finding => finding.Reason).ShouldBe(plain.Observe(iteration, times).Select(finding => finding.Reason));
        }

        foreach (var (worker, score) in plain.Scores) alone.Scores[worker].ShouldBe(score, tolerance: 1e-9);
    }

    [Fact]
    public void A_straggler_recovers_after_it_kept_its_usual_pace()
    {
        var findings = Run(new PeerSlowdown(), 100, (iteration, worker) => worker == 0 && iteration is >= 20 and < 40 ? 2 : 1);
        findings.Select(finding => (finding.Kind, finding.At)).ShouldBe([(FindingKind.SlowWorker, 21L), (FindingKind.Recovered, 71L)]);
    }

    [Fact]
    public void With_too_few_peers_it_is_blind()
    {
        var detector = new PeerSlowdown();
        detector.Observe(1, new Dictionary<string, double> { ["a"] = 1, ["b"] = 100 }).ShouldBeEmpty();
        detector.Scores.ShouldBeEmpty();
    }

    [Fact]
    public void A_time_that_is_no_time_is_refused() =>
        Should.Throw<ArgumentException>(() => new PeerSlowdown().Observe(3, new Dictionary<string, double> { ["a"] = double.NaN })).Message.ShouldStartWith("The time of a in iteration 3 is NaN");

    private static double Noisy(int iteration, int worker) => 1 + (((iteration * 7) + (worker * 13)) % 11 * 0.004);

    private static List<Finding> Run(PeerSlowdown detector, int iterations, Func<int, int, double> time, TimeSpan took = default) =>
        [.. Enumerable.Range(0, iterations).SelectMany(iteration => detector.Observe(iteration, Enumerable.Range(0, Workers).ToDictionary(worker => $"w{worker}", worker => time(iteration, worker)), took))];
}
