"""The nodes on Ray Serve: ingress, embedder, retriever, generator, validator."""
