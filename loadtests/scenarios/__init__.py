"""Locustfiles whose number of users changes: one file for each way in which it does."""
