"""What preview reads of a text, compared with what the real kubectl reads of it."""
