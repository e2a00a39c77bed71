"""Does each measure see what it is meant to see? Real images, damaged in graded ways, tell."""
