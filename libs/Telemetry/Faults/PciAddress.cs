using System.Globalization;

namespace TrainMover.Telemetry.Faults;

/// <summary>Address of a device on the PCI bus.</summary>
/// <param name="Domain">PCI domain (segment); 0 where a printer leaves it out.</param>
/// <param name="Bus">Bus, 0 to 255.</param>
/// <param name="Device">Device on the bus, 0 to 255.</param>
/// <param name="Function">Function of the device, 0 to 7; null where it was not printed.</param>
public readonly record struct PciAddress(uint Domain, byte Bus, byte Device, byte? Function = null)
{
    private const int MaxDomainDigits = 8;

    /// <summary>The device without its function: what the driver names in XID lines.</summary>
    public PciAddress WithoutFunction => this with { Function = null };

    /// <summary>
    /// Reads <c>0000:38:00</c>, <c>PCI:0000:38:00.0</c>, <c>38:00</c> and the like: hexadecimal, with or without domain and function, blanks around it. False for everything else.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PciAddress address)
    {
        address = default;
        text = text.Trim();
        if (text.StartsWith("PCI:", StringComparison.OrdinalIgnoreCase)) text = text[4..];

        byte? function = null;
        var dot = text.IndexOf('.');
        if (dot >= 0)
        {
            if (text.Length != dot + 2 || text[dot + 1] is < '0' or > '7') return false;
            function = (byte)(text[dot + 1] - '0');
            text = text[..dot];
        }

        var colon = text.LastIndexOf(':');
        if (colon < 0 || !TryHex(text[(colon + 1)..], 2, out var device)) return false;
        text = text[..colon];
        colon = text.LastIndexOf(':');
        if (!TryHex(text[(colon + 1)..], 2, out var bus)) return false;
        uint domain = 0;
        if (colon >= 0 && !TryHex(text[..colon], MaxDomainDigits, out domain)) return false;
        address = new PciAddress(domain, (byte)bus, (byte)device, function);
        return true;
    }

    /// <summary>The address, or null where the text is none.</summary>
    public static PciAddress? Find(ReadOnlySpan<char> text) => TryParse(text, out var address) ? address : null;

    /// <summary>As the driver prints it, in lower case: <c>0000:38:00</c>, or <c>0000:38:00.0</c> where the function is known.</summary>
    public override string ToString() => Function is { } function ? $"{Domain:x4}:{Bus:x2}:{Device:x2}.{function}" : $"{Domain:x4}:{Bus:x2}:{Device:x2}";

    private static bool TryHex(ReadOnlySpan<char> digits, int most, out uint value)
    {
        value = 0;
        return digits.Length >= 1 && digits.Length <= most && uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
