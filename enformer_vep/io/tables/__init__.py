"""Tables of results as Parquet and text: their writers and readers."""
