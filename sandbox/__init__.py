"""Pretend ConnectWise PSA, Xero and bank feed: one HTTP program to develop, demonstrate and test against."""
