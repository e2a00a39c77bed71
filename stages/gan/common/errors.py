"""An error that the user can fix."""


class UserError(Exception):
    """An error that the user or the surroundings cause: a bad value, a damaged file, a dead mirror.

    Its text is one line that names the bad value and what is valid. The commands print it
    without a traceback and end with a non-zero exit code.
    """

    code = 1  # the exit code
