"""Every option of every command, once: its names, what its values may be, its default, its help and its group.

The command line, the functions of Python and messages take options from here; nothing heavy is imported.
"""
