"""Arrays: bigWig, Zarr, and the files of TF-MoDISco."""
