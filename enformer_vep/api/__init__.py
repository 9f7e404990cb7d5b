"""The package in Python: `import enformer_vep as ev` offers what is here, and loads each part when it is first used."""
