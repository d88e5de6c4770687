"""HTTP out: the only place that knows the wire of ConnectWise and of the ledgers. Tokens are handed in."""
