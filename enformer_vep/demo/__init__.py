"""The demo: a made-up genome, made-up variants and a tiny model, none of which mean anything biologically."""
