"""The embedded benchmark: images made by a simulated camera, with exact masks; nothing to download."""
