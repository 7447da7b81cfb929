using System.Text;
using System.Text.Json;
using Npgsql;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class CanonicalJsonTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0.0", "0")]
    [InlineData("0e12", "0")]
    [InlineData("100", "1e2")]
    [InlineData("1e2", "1e2")]
    [InlineData("1.00", "1")]
    [InlineData("-12.50", "-125e-1")]
    [InlineData("0.001", "1e-3")]
    [InlineData("1E-3", "1e-3")]
    [InlineData("1.5e+3", "15e2")]
    [InlineData("123456789012345678901234567890", "12345678901234567890123456789e1")]
    public void A_number_has_one_text_however_it_is_written(string written, string canonical) => CanonicalJson.Number(written).ShouldBe(canonical);

    [Fact]
    public void Members_are_sorted_by_utf16_units_and_white_space_is_gone() =>
        Canonical("""{ "b": [1, true, null], "a": {"\u20ac": "x", "B": "\u0041", "a": 1} }""").ShouldBe("""{"a":{"B":"A","a":1,"€":"x"},"b":[1,true,null]}""");

    [Fact]
    public async Task A_body_has_the_same_text_before_and_after_jsonb()
    {
        const string body = """
            {"z": 1e21, "tiny": 5e-324, "big": 1.7976931348623157E308, "zero": -0.0, "one": 1.0, "bb": [0.10, 10, {"aaa": 1, "b": "\u00e9\"\\\n<&>\ud83d\ude00"}], "a": ""}
            """;
        await using var connection = new NpgsqlConnection(postgres.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select ($1::jsonb)::text", connection) { Parameters = { new() { Value = body } } };

        var stored = (string)(await command.ExecuteScalarAsync())!;

        stored.ShouldNotBe(body);
        Canonical(stored).ShouldBe(Canonical(body));
    }

    private static string Canonical(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Encoding.UTF8.GetString(CanonicalJson.Of(document.RootElement));
    }
}
