"""The chart in action, in a real cluster: under load, while what happens in clusters happens."""
