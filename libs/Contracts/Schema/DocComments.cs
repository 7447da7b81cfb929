using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace TrainMover.Contracts.Schema;

/// <summary>The doc comments of this assembly as plain sentences: what a reader of the code and a reader of the schema see is one text.</summary>
internal sealed partial class DocComments
{
    private readonly Dictionary<string, XElement> _members;

    private DocComments(XDocument file) =>
        _members = file.Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);

    /// <summary>Reads the XML file that the compiler writes beside the assembly.</summary>
    /// <exception cref="FileNotFoundException">The file is not there.</exception>
    public static DocComments Load()
    {
        var path = Path.ChangeExtension(typeof(Catalog).Assembly.Location, ".xml");
        return File.Exists(path)
            ? new DocComments(XDocument.Load(path, LoadOptions.PreserveWhitespace))
            : throw new FileNotFoundException("The doc comments that describe the messages are missing: build libs/Contracts with its documentation file.", path);
    }

    public string OfType(Type type) => Text(Member($"T:{type.FullName}").Element("summary"), type.Name);

    public string OfEnumMember(Type type, string member) => Text(Member($"F:{type.FullName}.{member}").Element("summary"), $"{type.Name}.{member}");

    /// <summary>A positional parameter is described at its record, any other property at itself.</summary>
    public string OfProperty(Type declaring, string name)
    {
        var parameters = Member($"T:{declaring.FullName}").Elements("param");
        var parameter = parameters.FirstOrDefault(param => param.Attribute("name")?.Value == name);
        return Text(parameter ?? Member($"P:{declaring.FullName}.{name}").Element("summary"), $"{declaring.Name}.{name}");
    }

    private XElement Member(string id) =>
        _members.GetValueOrDefault(id) ?? throw new InvalidOperationException($"{id} has no doc comment, so its schema would have no description.");

    private static string Text(XElement? element, string what)
    {
        var text = element is null ? "" : Spaces().Replace(string.Concat(element.Nodes().Select(Plain)), " ").Trim();
        return text.Length > 0 ? text : throw new InvalidOperationException($"{what} has an empty doc comment, so its schema would have no description.");
    }

    private static string Plain(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "paramref" } reference => $"`{Camel(reference.Attribute("name")!.Value)}`",
        XElement { Name.LocalName: "see" } reference => $"`{Cref(reference.Attribute("cref")!.Value)}`",
        XElement other => string.Concat(other.Nodes().Select(Plain)),
        _ => "",
    };

    // A member is named by its field alone: the reader of a schema knows no C# types.
    private static string Cref(string cref)
    {
        var name = cref.Split('(')[0];
        var last = name[(name.LastIndexOf('.') + 1)..];
        return cref.StartsWith("P:", StringComparison.Ordinal) ? Camel(last) : last;
    }

    private static string Camel(string name) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(name);

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Spaces();
}
