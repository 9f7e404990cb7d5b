"""The tracks of a head: their table, their labels, and the choice of tracks."""
