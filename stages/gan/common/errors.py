"""The one exception that means "a person can mend this"."""


class UserError(Exception):
    """A fault that a user or the world causes: a bad value, a damaged file, a dead mirror.

    Its text is one line that names the bad value and what would be valid. The stage
    scripts print it and end with a non-zero exit, without a traceback.
    """

    code = 1  # of the exit
