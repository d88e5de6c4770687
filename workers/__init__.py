"""What happens after we answered: jobs, batches, retries, the clock."""
