"""Where weights are read from: four kinds of files, one interface. Nothing here imports TensorFlow."""
