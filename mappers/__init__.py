"""Pure decisions: a ConnectWise entry becomes a decision, documents in our own words, a ledger's wire body.

Nothing here knows a clock, a network or a database; days and reference data are handed in.
"""
