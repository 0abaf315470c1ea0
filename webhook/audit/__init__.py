"""What exists already: which Pods and Services lack the setting, or have it without effect."""
