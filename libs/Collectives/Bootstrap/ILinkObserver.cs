namespace TrainMover.Collectives;

/// <summary>A generation, running or prepared, that listens on a bootstrap connection. Calls come one at a time per connection and must not block.</summary>
internal interface ILinkObserver
{
    void OnFrame(BootstrapLink link, LinkFrameKind kind, byte[] payload);

    void OnLost(BootstrapLink link, FailureKind kind, string detail);
}
