"""The tracks of a head: their table, their labels, and which of them are wanted."""
