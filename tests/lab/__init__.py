"""The guide, line by line, in a real mesh: what an application sees before and after the label."""
