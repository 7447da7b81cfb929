using System.Text;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class FramingTests
{
    private static readonly DateTimeOffset Day = new(2025, 2, 23, 16, 24, 18, TimeSpan.Zero);

    [Theory]
    [InlineData("NVRM: Xid")]
    [InlineData("[131453.740743] NVRM: Xid")]
    [InlineData("[  12.345678][  T123] NVRM: Xid")]
    [InlineData("[...] NVRM: Xid")]
    [InlineData("[Sun Feb 23 16:24:18 2025] NVRM: Xid")]
    [InlineData("[Sun Feb  2 16:24:18 2025] NVRM: Xid")]
    [InlineData("<4>[   13.717163] NVRM: Xid")]
    [InlineData("kern  :warn  : 2025-02-23T16:24:18,283302+00:00 NVRM: Xid")]
    [InlineData("kern  :err   : [ 131453.740743] NVRM: Xid")]
    [InlineData("2025-02-23T16:24:18.283302+00:00 node7 kernel: NVRM: Xid")]
    [InlineData("Dec  1 14:54:40 node7 kernel: [131453.740743] NVRM: Xid")]
    [InlineData("node7 kernel: NVRM: Xid")]
    [InlineData("kernel: NVRM: Xid")]
    [InlineData("4,3964,206764307,-;NVRM: Xid")]
    [InlineData("4,3964,206764307,-,caller=T123;NVRM: Xid\n SUBSYSTEM=pci\n DEVICE=+pci:0000:38:00.0")]
    [InlineData("""{"_TRANSPORT":"kernel","PRIORITY":"4","MESSAGE":"NVRM: Xid"}""")]
    [InlineData("""{"MESSAGE":[78,86,82,77,58,32,88,105,100],"_TRANSPORT":"kernel","OTHER":{"deep":[1,2]}}""")]
    [InlineData("""{"MESSAGE":["NVRM: Xid","another"],"_TRANSPORT":"kernel"}""")]
    public void The_message_is_taken_out_of_every_format(string line) => Read(line)!.Text.ShouldBe("NVRM: Xid");

    [Fact]
    public void Time_level_and_host_are_kept_where_the_log_has_them()
    {
        Read("[Sun Feb 23 16:24:18 2025] x")!.Time.ShouldBe(Day);
        Read("kern  :warn  : 2025-02-23T18:24:18,000000+02:00 x").ShouldBe(new KernelLogLine("x") { Time = Day, Level = 4 });
        Read("14,3964,206764307,-;x").ShouldBe(new KernelLogLine("x") { Level = 6, SinceBoot = TimeSpan.FromMicroseconds(206764307) });
        Read("<3>[   13.5] x").ShouldBe(new KernelLogLine("x") { Level = 3, SinceBoot = TimeSpan.FromSeconds(13.5) });
        Read("2025-02-23T16:24:18+00:00 node7 kernel: x").ShouldBe(new KernelLogLine("x") { Time = Day, Host = "node7" });
        Read("""{"_HOSTNAME":"node7","PRIORITY":"3","__REALTIME_TIMESTAMP":"1740327858000000","__MONOTONIC_TIMESTAMP":"13500000","_TRANSPORT":"kernel","MESSAGE":"x"}""")
            .ShouldBe(new KernelLogLine("x") { Host = "node7", Level = 3, Time = Day, SinceBoot = TimeSpan.FromSeconds(13.5) });
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData(" DEVICE=+pci:0000:38:00.0")]
    [InlineData("Dec  1 14:54:40 node7 python3[4711]: NVRM: Xid (PCI:0000:05:00): 79, pretended")]
    [InlineData("""{"_TRANSPORT":"syslog","MESSAGE":"NVRM: Xid (PCI:0000:05:00): 79, pretended"}""")]
    [InlineData("""{"_TRANSPORT":"kernel","MESSAGE":null}""")]
    [InlineData("""{"_TRANSPORT":"kernel","MESSAGE":"cut""")]
    [InlineData("""{"MESSAGE":"\ud800 half a character}""")]
    [InlineData("{}{}")]
    public void What_the_kernel_did_not_say_is_no_message(string line) => Read(line).ShouldBeNull();

    [Fact]
    public void Escapes_of_kmsg_are_bytes_of_utf_8() => Read(@"6,1,2,-;caf\xc3\xa9\x0atwo \xzz")!.Text.ShouldBe("café\ntwo \\xzz");

    [Fact]
    public void Bytes_that_are_no_utf_8_are_replaced() => KernelLogFraming.Read([(byte)'a', 0xff, (byte)'b'])!.Text.ShouldBe("a�b");

    private static KernelLogLine? Read(string line) => KernelLogFraming.Read(Encoding.UTF8.GetBytes(line));
}
