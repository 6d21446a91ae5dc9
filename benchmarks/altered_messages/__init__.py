"""Sales messages with known truth over real documents: sound ones, and ones with one change.

It is the exam of the validator, so it shares no code with `followup`'s reading of claims.
"""
