using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using TrainMover.ServiceDefaults.Hosting;

namespace TrainMover.ServiceDefaults.Tests;

/// <summary>A service does not depend on where it was started.</summary>
public sealed class ServiceHostTests
{
    [Fact]
    public void Settings_files_are_looked_for_beside_the_program_and_nothing_else_is_watched()
    {
        var builder = ServiceHost.CreateBuilder("test", []);
        builder.Environment.ContentRootPath.TrimEnd('/').ShouldBe(AppContext.BaseDirectory.TrimEnd('/'));
        var files = ((IConfigurationRoot)builder.Configuration).Providers.OfType<FileConfigurationProvider>().Select(provider => provider.Source.FileProvider).OfType<PhysicalFileProvider>();
        files.ShouldAllBe(provider => provider.Root.TrimEnd('/') == AppContext.BaseDirectory.TrimEnd('/'));
    }
}
