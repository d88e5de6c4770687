"""HTTP in from ConnectWise: is it genuine, store it, queue it, answer. Nothing else."""
