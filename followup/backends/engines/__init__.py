"""Generation engines behind one Protocol; see `protocol.py` for the contract they all keep."""
