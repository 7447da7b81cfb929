using System.Text.RegularExpressions;

namespace TrainMover.Cli.CommandLine;

/// <summary>Names of the event log's schema.</summary>
internal static partial class Schemas
{
    /// <summary>A name that was not used before.</summary>
    public static string Fresh(string verb, TimeProvider clock) => $"{verb}_{clock.GetUtcNow():yyyyMMdd_HHmmss}";

    /// <summary>The name as given, when it is one.</summary>
    public static string? Check(string? name) => name is null || Name().IsMatch(name)
        ? name
        : throw new BadInputException($"\"{name}\" is no schema name: it begins with a letter and holds at most 48 lower-case letters, digits and underscores.");

    [GeneratedRegex("^[a-z][a-z0-9_]{0,47}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
