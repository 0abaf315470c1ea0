"""Other ways to do the same job, one folder for each, as those who choose them would write it."""
