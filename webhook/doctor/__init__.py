"""Is the installation right, and does the mesh let it work: checks, each with its cure."""
