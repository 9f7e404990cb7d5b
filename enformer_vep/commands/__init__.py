"""The commands, one file for each or for those of one kind: options to settings, settings to one call.

Nothing heavy is imported before a command runs, so that `--help` is instant.
"""
