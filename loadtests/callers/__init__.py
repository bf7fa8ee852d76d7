"""The users of the locustfile: what they ask, how they judge answers, how their number changes."""
