"""Training in several processes: data parallel, sharded or in stages; started by torchrun or Ray. Loads no torch."""
