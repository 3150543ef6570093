"""The stores: tokens, graph, connections, grid, cdna. None imports another; they meet in SQL."""
