"""The courses of commands: settings, a session, a generator of results, and the files that it fills."""
