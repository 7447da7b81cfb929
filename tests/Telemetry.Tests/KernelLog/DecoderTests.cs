using System.Text;
using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.KernelLog;

namespace TrainMover.Telemetry.Tests.KernelLog;

public sealed class DecoderTests
{
    private static readonly PciAddress Gpu = new(0, 5, 0);

    [Fact]
    public void An_xid_has_machine_device_code_process_and_text()
    {
        var record = Decode("[12.5] NVRM: Xid (PCI:0000:05:00): 31, pid=1234, name=ray::WorkerDict, Ch 00000008, intr 10000000").ShouldHaveSingleItem();
        record.MachineId.ShouldBe("m1");
        record.Fault.ShouldBe(new KernelFault(FaultClass.Xid, 31, "Ch 00000008, intr 10000000") { Device = Gpu, Process = new FaultProcess(1234, "ray::WorkerDict") });
        record.Fault.Code.ShouldBe("xid-31");
        record.Line.SinceBoot.ShouldBe(TimeSpan.FromSeconds(12.5));
    }

    [Theory]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", null, null)]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 79, pid=XXX", null, null)]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 79, pid=7, name=a b, x", 7, "a b")]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 79, pid=7", 7, null)]
    public void A_process_that_is_unknown_has_neither_id_nor_name(string line, int? pid, string? name) =>
        Decode(line).ShouldHaveSingleItem().Fault.Process.ShouldBe(new FaultProcess(pid, name));

    [Theory]
    [InlineData("NVRM: Xid (PCI:0000:c1:00 GPU-I:05): 13, Graphics Exception", "0000:c1:00")]
    [InlineData("NVRM: Xid (00000000:C1:00.0): 13", "0000:c1:00.0")]
    [InlineData("NVRM: Xid (PCI:0018:01:00): 13 and more", "0018:01:00")]
    public void A_device_is_read_in_every_way_drivers_print_it(string line, string device) => $"{Decode(line).ShouldHaveSingleItem().Fault.Device}".ShouldBe(device);

    [Theory]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 0, nothing")]
    [InlineData("NVRM: Xid (PCI:0000:05:00): -13, nothing")]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 1234567, nothing")]
    [InlineData("NVRM: Xid (PCI:0000:05:00): 79x")]
    [InlineData("NVRM: Xid (PCI:0000:05:00 79")]
    [InlineData("NVRM: GPU at PCI:0000:9b:00: GPU-509665ad-b600-ac93-3616-d754b23d636d")]
    [InlineData("NVRM: GPU somewhere has fallen off the bus.")]
    [InlineData("nvidia-nvswitch2: open (major=510)")]
    [InlineData("nvidia-nvswitch0: SXid (PCI:0000:00:00.0): -5, Fatal")]
    public void A_line_without_a_code_is_no_error_line(string line) => Decode(line).ShouldBeEmpty();

    [Fact]
    public void An_sxid_says_whether_it_is_fatal_and_further_words_on_it_are_details()
    {
        var records = Decode(
            "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
            "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Severity 1 Engine instance 30 Sub-engine instance 00",
            "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Data {0x50610002, 0x10100030}",
            "[Feb 27 2025 15:10:02] [ERROR] [tid 12727] detected NVSwitch non-fatal error 12028 on fid 0 on NVSwitch pci bus id 00000000:86:00.0 physical id 3 port 61");
        records.Select(record => (record.Fault.Code, $"{record.Fault.Device}", record.Fault.SaysFatal, record.Fault.IsDetail, record.Fault.Link)).ShouldBe(
        [
            ("sxid-20034", "0000:05:00.0", true, false, 30),
            ("sxid-20034", "0000:05:00.0", null, true, null),
            ("sxid-20034", "0000:05:00.0", null, true, null),
            ("sxid-12028", "0000:86:00.0", false, false, 61),
        ]);
    }

    [Theory]
    [InlineData("NVRM: GPU 0000:05:00.0: GPU has fallen off the bus.")]
    [InlineData("NVRM: GPU 05:00.0: GPU has fallen off the bus.")]
    [InlineData("NVRM: GPU at 0000:05:00.0 has fallen off the bus.")]
    [InlineData("NVRM: The NVIDIA GPU 0000:05:00.0\nNVRM: (PCI ID: 10de:2901) installed in this system has\nNVRM: fallen off the bus and is not responding to commands.")]
    [InlineData(@"3,1,2,-;NVRM: The NVIDIA GPU 0000:05:00.0\x0aNVRM: (PCI ID: 10de:2901) installed in this system has\x0aNVRM: fallen off the bus and is not responding to commands.")]
    public void A_gpu_that_fell_off_the_bus_is_xid_79_even_where_no_number_is_printed(string lines)
    {
        var fault = Decode(lines.Split('\n')).ShouldHaveSingleItem().Fault;
        (fault.Code, fault.Device, fault.IsStated).ShouldBe(("xid-79", Gpu, false));
    }

    [Fact]
    public void The_lost_gpu_is_named_by_the_two_lines_above_and_by_no_older_one() =>
        Decode("NVRM: The NVIDIA GPU 0000:05:00.0", "another", "one", "more", "NVRM: fallen off the bus and is not responding to commands.").ShouldBeEmpty();

    [Fact]
    public void A_record_that_goes_on_in_the_next_is_read_as_one() =>
        Decode("4,1,2,c;NVRM: Xid (PCI:0000:05:00)", "4,2,3,+;: 79, GPU has fallen off the bus.").ShouldHaveSingleItem().Fault.Number.ShouldBe(79);

    [Fact]
    public void Xid_154_says_what_has_to_be_done()
    {
        var fault = Decode("NVRM: Xid (PCI:0009:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)").ShouldHaveSingleItem().Fault;
        (fault.Recovery, fault.Subcode).ShouldBe((RecoveryAction.DrainAndReset, "drain-and-reset"));
    }

    [Fact]
    public void A_process_that_was_killed_or_crashed_is_named()
    {
        Decode(
            "Out of memory: Killed process 19636 (evil-program2) total-vm:1460016kB",
            "pt_main_thread[2536443]: segfault at 7f797fe00000 ip 00007f7c7ac69996 sp 00007f7c12fd7c30 error 4 in libnccl.so.2[7f7c7ac00000+d3d3000]",
            "INFO: task kworker/u8:3:1177 blocked for more than 120 seconds.",
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=python3,pid=77,uid=0")
            .Select(record => (record.Fault.Code, record.Fault.Process)).ShouldBe(
            [
                ("host-oom-killed", new FaultProcess(19636, "evil-program2")),
                ("host-nccl-segfault", new FaultProcess(2536443, "pt_main_thread")),
                ("host-task-blocked", new FaultProcess(1177, "kworker/u8:3")),
                ("host-oom-kill-chosen", new FaultProcess(77, "python3")),
            ]);
    }

    [Fact]
    public void A_text_is_cut_and_never_within_a_character()
    {
        var text = Decode("NVRM: Xid (PCI:0000:05:00): 31, " + new string('x', FaultText.MostCharacters - 1) + "😀").ShouldHaveSingleItem().Fault.Text;
        text.ShouldBe(new string('x', FaultText.MostCharacters - 1));
    }

    [Fact]
    public void The_raw_logs_tell_of_what_happened_on_their_machines()
    {
        Codes("memory__dmesg.decode.iso.log").ShouldBe(["host-oom-kill-chosen x3", "host-oom-killed x3", "xid-13 x16", "xid-43 x1"]);
        Codes("xid__dmesg-with-xid-119.log").ShouldBe(["host-stack-trace x1", "xid-119 x5"]);
        Codes("nccl__dmesg.decode.iso.log").ShouldBe(["host-nccl-segfault x2"]);
        Codes("pkg__kmsg__kmsg.1.log").ShouldBeEmpty();
        Codes("pkg__kmsg__kmsg.2.peermem.log").ShouldBe(["host-peermem-invalid-context x7"]);
        Codes("fabric-manager__fabricmanager.log").ShouldBe(["sxid-12028 x1"]);
    }

    private static IEnumerable<string> Codes(string file)
    {
        var decoder = new KernelLogDecoder("m1");
        var records = new List<KernelLogRecord>();
        var splitter = new LineSplitter();
        splitter.Add(File.ReadAllBytes(RealData.Of($"klog/raw/{file}")), line => Keep(decoder.Decode(line)));
        splitter.Flush(line => Keep(decoder.Decode(line)));
        return records.CountBy(record => record.Fault.Code).Select(count => $"{count.Key} x{count.Value}").Order(StringComparer.Ordinal);

        void Keep(KernelLogRecord? record)
        {
            if (record is not null) records.Add(record);
        }
    }

    private static List<KernelLogRecord> Decode(params string[] lines)
    {
        var decoder = new KernelLogDecoder("m1");
        return [.. lines.Select(line => decoder.Decode(Encoding.UTF8.GetBytes(line))).OfType<KernelLogRecord>()];
    }
}
