using System.Text.RegularExpressions;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Schema;

namespace TrainMover.Contracts.Tests;

public sealed partial class CatalogTests
{
    [Fact]
    public void Names_are_unique_versioned_and_in_order()
    {
        var names = Catalog.Entries.Select(entry => entry.Name).ToArray();
        names.ShouldBeUnique();
        names.ShouldBe(names.Order(StringComparer.Ordinal));
        names.ShouldAllBe(name => VersionedName().IsMatch(name));
    }

    [Fact]
    public void Every_topic_is_known_and_carries_a_message() =>
        Catalog.Entries.Select(entry => entry.Topic).Distinct().Order().ShouldBe(Topics.All.Order());

    [Fact]
    public void An_entry_is_found_by_name_and_by_type()
    {
        foreach (var entry in Catalog.Entries)
        {
            Catalog.Find(entry.Name).ShouldBeSameAs(entry);
            Catalog.Of(entry.ClrType).ShouldBeSameAs(entry);
        }
    }

    [Fact]
    public void A_type_that_this_build_does_not_know_is_not_found()
    {
        Catalog.Find("trainmover.migration.planned.v999").ShouldBeNull();
        Should.Throw<ArgumentException>(() => Catalog.Of(typeof(string))).ParamName.ShouldBe("type");
    }

    [Fact]
    public void Only_what_is_published_from_the_log_is_a_logged_event() =>
        Catalog.LoggedEvents.Keys.Order(StringComparer.Ordinal).ShouldBe(
            Catalog.Entries.Select(entry => entry.Name).Where(name => LoggedName().IsMatch(name)));

    [Fact]
    public void Every_message_has_the_key_of_its_topic()
    {
        foreach (var entry in Catalog.Entries)
        {
            string[] keys = entry.Topic switch
            {
                Topics.Interruptions => ["maintenance-m1"],
                Topics.Detectors => ["hang"],
                Topics.Migrations => ["gpt"],
                Topics.Fleet => ["m0", "m1", "s0", "planner"],
                _ => ["m0", "m1", "s0"],
            };
            foreach (var example in Examples.Of(entry.ClrType))
                keys.ShouldContain(MessageKey.Of(example.Body), entry.Name);
        }
    }

    [Fact]
    public void A_dead_letter_without_a_key_goes_by_the_topic_of_the_original() =>
        MessageKey.Of(new DeadLettered(DeadLetterReason.NotJson, "d", "trainmover.telemetry", 0, 0, "")).ShouldBe("trainmover.telemetry");

    [GeneratedRegex(@"^trainmover(\.[a-z]+(-[a-z]+)*)+\.v[1-9][0-9]*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionedName();

    [GeneratedRegex(@"^trainmover\.(interruption|detector|machine|service|job|migration)\.", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LoggedName();
}
