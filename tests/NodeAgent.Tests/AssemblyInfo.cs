using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

// Agents and workers are whole processes, and share two cores: one test at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
