using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Telemetry.Tests.Prometheus;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Comments_escapes_labels_times_and_special_values_are_read()
    {
        var scrape = PrometheusText.Parse("""
            # HELP metric_without_timestamp_and_labels A comment with "quotes" {}.
            # TYPE http_requests_total counter
            http_requests_total{method="post",code="200"} 1027 1395066363000
            http_requests_total{ method = "post" , code="400", } 3 1395066363.5

            msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
            plain 12.47
            weird{problem="division by zero"} +Inf -3982045
            a:rule{} NaN
            down -Inf # {trace_id="x"} 1.0 1.0
            """);
        scrape.Malformed.ShouldBe(1, "a time before 1970 is none");
        scrape.FirstMalformed.ShouldBe(8);
        scrape.Samples.Select(Text).ShouldBe(
        [
            "http_requests_total method=post code=200 1027 at 1395066363",
            "http_requests_total method=post code=400 3 at 1395066363",
            "msdos_file_access_time_seconds path=C:\\DIR\\FILE.TXT error=Cannot find file:\n\"FILE.TXT\" 1458255915",
            "plain 12.47",
            "a:rule NaN",
            "down -Infinity",
        ]);
    }

    [Theory]
    [InlineData("1abc 3")]
    [InlineData("name")]
    [InlineData("name x")]
    [InlineData("name 1 2 3")]
    [InlineData("name --1")]
    [InlineData("name{ 1")]
    [InlineData("name{a} 1")]
    [InlineData("name{a=b} 1")]
    [InlineData("name{a=\"b} 1")]
    [InlineData("name{a=\"b\\")]
    [InlineData("name{a=\"1\",a=\"2\"} 1")]
    [InlineData("name{a=\"1\" b=\"2\"} 1")]
    [InlineData("name 0x10")]
    [InlineData("name 1 1e300")]
    public void What_is_no_sample_is_counted_and_left_out(string line)
    {
        var scrape = PrometheusText.Parse($"good 1\n{line}\ngood 2");
        scrape.Samples.Select(sample => sample.Value).ShouldBe([1, 2]);
        (scrape.Malformed, scrape.FirstMalformed).ShouldBe((1, 2));
    }

    [Fact]
    public void A_scrape_of_a_real_exporter_is_read_whole_and_named()
    {
        var scrape = PrometheusText.Parse(RealData.Read("dcgm/sample_scrape_t4_datadog.prom"));
        scrape.Malformed.ShouldBe(0);
        var samples = DcgmMetrics.Map(scrape.Samples);
        samples.Count.ShouldBe(scrape.Samples.Count);
        var device = samples[0].Device;
        device.ShouldStartWith("GPU-");
        samples.ShouldContain(new DeviceSample(device, DeviceMetrics.Temperature, 25));
        samples.ShouldContain(new DeviceSample(device, DeviceMetrics.SmClock, 300));
        samples.ShouldContain(sample => sample.Metric == DeviceMetrics.ClockReasons && sample.Value == 1);
    }

    [Theory]
    [InlineData("9223372036854775792")]
    [InlineData("9223372036854775793")]
    [InlineData("9223372036854775794")]
    [InlineData("9223372036854775795")]
    [InlineData("140737488355328")]
    [InlineData("140737488355331.0")]
    [InlineData("2147483632")]
    [InlineData("2147483634")]
    [InlineData("NaN")]
    [InlineData("+Inf")]
    public void Blanks_of_dcgm_are_no_values(string value) => Map($"DCGM_FI_DEV_MEMORY_TEMP{{gpu=\"0\"}} {value}").ShouldBeEmpty();

    [Theory]
    [InlineData("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\"} 140737488355327", 140737488355327)]
    [InlineData("DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 0", 0)]
    [InlineData("node_memory_bytes{gpu=\"0\"} 2147483632", 2147483632)]
    public void Values_beside_the_blanks_and_of_others_are_kept(string line, double value) => Map(line).ShouldHaveSingleItem().Value.ShouldBe(value);

    [Fact]
    public void A_port_of_an_adapter_is_a_device() =>
        Map("node_infiniband_link_downed_total{device=\"mlx5_0\",port=\"1\"} 3").ShouldHaveSingleItem().ShouldBe(new DeviceSample("mlx5_0/1", DeviceMetrics.InfinibandLinkDowned, 3));

    private static IReadOnlyList<DeviceSample> Map(string line) => DcgmMetrics.Map(PrometheusText.Parse(line).Samples);

    private static string Text(MetricSample sample) =>
        $"{sample.Name}{string.Concat(sample.Labels.Select(label => $" {label.Key}={label.Value}"))} {sample.Value}{(sample.Time is { } time ? $" at {time.ToUnixTimeSeconds()}" : "")}";
}
