using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace TrainMover.Contracts;

/// <summary>What the catalogue's JSON asks of a body beyond what System.Text.Json asks by itself.</summary>
internal static class Strictness
{
    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>A null is not written, so a nullable constructor parameter must not be demanded on reading.</summary>
    public static void NullableMayBeAbsent(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(property => property.IsRequired && IsNullable(property)))
            property.IsRequired = false;
    }

    /// <summary>Nullable annotations of System.Text.Json stop at the list; its elements are checked here.</summary>
    public static void NoNullElements(JsonTypeInfo type)
    {
        var lists = type.Properties
            .Where(property => property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(IEnumerable)))
            .ToArray();
        if (lists.Length == 0)
            return;
        type.OnDeserialized = body =>
        {
            foreach (var list in lists)
            {
                if (list.Get?.Invoke(body) is IEnumerable elements && elements.Cast<object?>().Any(element => element is null))
                    throw new JsonException($"An element of '{list.Name}' is null; elements of a list must not be null.");
            }
        };
    }

    /// <summary>Without it a body of an abstract type ends in <see cref="NotSupportedException"/>, which reads like a flaw of the program.</summary>
    public static void DiscriminatorIsRequired(JsonTypeInfo type)
    {
        if (type.Type.IsAbstract && type.PolymorphismOptions is { } polymorphism)
        {
            type.CreateObject = () =>
                throw new JsonException($"'{polymorphism.TypeDiscriminatorPropertyName}' is missing: it says which {type.Type.Name} this is.");
        }
    }

    private static bool IsNullable(JsonPropertyInfo property)
    {
        if (property.PropertyType.IsValueType)
            return Nullable.GetUnderlyingType(property.PropertyType) is not null;
        if (property.AttributeProvider is not PropertyInfo declared)
            return property.IsSetNullable;
        lock (Nullability)
            return Nullability.Create(declared).ReadState == NullabilityState.Nullable;
    }
}
