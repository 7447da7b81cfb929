using System.Text.Json;
using System.Text.RegularExpressions;

namespace TrainMover.Contracts.Tests;

public sealed partial class EnumTests
{
    public static TheoryData<Type> Enums { get; } = [.. typeof(Catalog).Assembly.GetExportedTypes().Where(type => type.IsEnum)];

    [Theory]
    [MemberData(nameof(Enums))]
    public void Each_value_has_a_wire_name_of_its_own_which_reads_back_and_its_number_does_not(Type type)
    {
        var names = new List<string>();
        foreach (var value in Enum.GetValues(type))
        {
            var wire = JsonSerializer.Serialize(value, type, Catalog.Json);
            WireName().IsMatch(wire).ShouldBeTrue(wire);
            JsonSerializer.Deserialize(wire, type, Catalog.Json).ShouldBe(value);
            Should.Throw<JsonException>(() => JsonSerializer.Deserialize($"{(int)value}", type, Catalog.Json));
            names.Add(wire);
        }

        names.ShouldBeUnique();
    }

    [Fact]
    public void Wire_names_only_ever_grow_in_number()
    {
        var names = Enums.Select(row => row.Data).OrderBy(type => type.Name, StringComparer.Ordinal)
            .SelectMany(type => Enum.GetValues(type).Cast<object>(), (type, value) => $"{type.Name} {JsonSerializer.Serialize(value, type, Catalog.Json).Trim('"')}");
        var file = Path.Combine(Repository.Root, "tests", "Contracts.Tests", "Snapshots", "enums.txt");
        if (Repository.Update)
            File.WriteAllLines(file, names);
        names.ShouldBe(File.ReadAllLines(file), "readers in the field know these values: set UPDATE_SNAPSHOTS=1, and commit only if none was renamed or dropped");
    }

    [GeneratedRegex("^\"[a-z]+(-[a-z]+)*\"$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WireName();
}
