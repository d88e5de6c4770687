"""What we remember (SQLAlchemy 2, typed). The database is the truth; Redis only rings. Knows no HTTP."""
