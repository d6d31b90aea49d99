"""What networks are built from: encoder, input channels, clustering."""
