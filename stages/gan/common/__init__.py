"""What every other room may use: files, paths, random numbers, errors, processes."""
