"""The error of backups and restores."""


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why, in a sentence."""
