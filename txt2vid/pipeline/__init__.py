"""The only place where stages meet: files to files, one by one or in batches."""
