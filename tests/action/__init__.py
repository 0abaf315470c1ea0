"""The chart in action: its Pods really run, under load, while what happens in clusters happens."""
