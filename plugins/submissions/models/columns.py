"""Column types that several tables share."""

from sqlalchemy import BigInteger, Integer, String

#: Integers, as the old API promised; an attempt to write uses one up, so they are wide.
Key = BigInteger().with_variant(Integer(), "sqlite")
#: Compared and sorted by code points on every database.
Identifier = String(255).with_variant(String(255, collation="C"), "postgresql")
ItemType = String(100).with_variant(String(100, collation="C"), "postgresql")
