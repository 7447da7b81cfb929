using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Live.Tuning;

namespace TrainMover.Detection.Live.Tests;

public sealed class DetectorKindTests
{
    public static TheoryData<string> Names { get; } = [.. DetectorCatalogue.All.Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_detector_takes_its_own_defaults_and_names_are_in_order(string name)
    {
        var kind = DetectorCatalogue.Find(name)!;
        kind.Change(kind.Defaults, []).ShouldBe(kind.Defaults);
        kind.Defaults.Select(setting => setting.Name).ShouldBe(kind.Defaults.Select(setting => setting.Name).Order(StringComparer.Ordinal));
        kind.Defaults.ShouldNotContain(setting => setting.Name == "Version");
    }

    [Fact]
    public void A_change_leaves_the_other_settings_alone_and_reads_back()
    {
        var changed = Change(("multiple", "4.5"), ("Slack", "1500ms"));
        changed.ShouldBe([new("Baseline", "32"), new("Multiple", "4.5"), new("Slack", "1.5s"), new("Unknown", "30m")]);
        DetectorCatalogue.Hang.Read(changed).ShouldBe(new HangWatchSettings { Multiple = 4.5, Slack = TimeSpan.FromSeconds(1.5) });
    }

    [Theory]
    [InlineData("Multiple", "0.5", "hang: Multiple is 0.5; it is above 1.")]
    [InlineData("Multiple", "many", "hang: Multiple is 'many'; it is a number.")]
    [InlineData("Multiple", "NaN", "hang: Multiple is 'NaN'; it is a number.")]
    [InlineData("Baseline", "2.5", "hang: Baseline is '2.5'; it is a whole number.")]
    [InlineData("Slack", "soon", "hang: Slack is 'soon'; it is a duration such as 250ms, 90s, 15m, 24h or 7d.")]
    [InlineData("Slack", "1e300d", "hang: Slack is '1e300d'; it is a duration such as 250ms, 90s, 15m, 24h or 7d.")]
    [InlineData("Unknown", "100ms", "hang: Unknown (00:00:00.1000000) is longer than Slack (00:00:00.2500000).")]
    [InlineData("Patience", "3", "hang has no setting Patience. It has Baseline, Multiple, Slack, Unknown.")]
    [InlineData("Version", "3", "hang has no setting Version. It has Baseline, Multiple, Slack, Unknown.")]
    public void What_makes_no_sense_is_refused_with_the_setting_its_value_and_the_rule(string setting, string value, string message) =>
        Should.Throw<SettingsException>(() => Change((setting, value))).Message.ShouldBe(message);

    [Fact]
    public void A_setting_that_comes_from_a_file_cannot_be_set() =>
        Should.Throw<SettingsException>(() => DetectorCatalogue.ErrorCodes.Change(DetectorCatalogue.ErrorCodes.Defaults, [KeyValuePair.Create("Policy", "mine")])).Message
            .ShouldBe("error-codes: Policy cannot be set; it follows from what the Detector was started with.");

    [Fact]
    public void A_detector_without_settings_says_so() =>
        Should.Throw<SettingsException>(() => DetectorCatalogue.WorkerDeath.Change([], [KeyValuePair.Create("Slack", "1s")])).Message.ShouldBe("worker-death has no settings, so none that is called Slack.");

    [Fact]
    public void Settings_of_another_version_of_the_program_are_read_as_far_as_they_are_known() =>
        DetectorCatalogue.Hang.Read([new("Gone", "1"), new("Multiple", "6")]).ShouldBe(new HangWatchSettings { Multiple = 6 });

    [Theory]
    [InlineData("0s", "0s")]
    [InlineData("90s", "90s")]
    [InlineData("120s", "2m")]
    [InlineData("0.25s", "250ms")]
    [InlineData("48h", "2d")]
    [InlineData("00:01:30", "90s")]
    public void Durations_are_written_in_their_largest_whole_unit(string text, string written) =>
        SettingText.Write(SettingText.Read(typeof(TimeSpan), text)!).ShouldBe(written);

    [Theory]
    [InlineData(DetectorMode.Off, "off")]
    [InlineData(DetectorMode.LogOnly, "log-only")]
    [InlineData(DetectorMode.Enforce, "enforce")]
    public void Modes_have_the_names_of_the_events(DetectorMode mode, string name)
    {
        DetectorModes.NameOf(mode).ShouldBe(name);
        DetectorModes.Find(name).ShouldBe(mode);
    }

    private static IReadOnlyList<DetectorSetting> Change(params (string Name, string Value)[] changes) =>
        DetectorCatalogue.Hang.Change(DetectorCatalogue.Hang.Defaults, changes.Select(change => KeyValuePair.Create(change.Name, change.Value)));
}
