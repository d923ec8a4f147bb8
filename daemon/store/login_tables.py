"""The tables of how people log in beside their password."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from daemon.store.schema import UtcDateTime, metadata

# `sealed` is the secret, encrypted; `confirmed_at` NULL until its user has shown that they have it; `last_step` the
# 30 seconds of the last code that was accepted, counted from 1970: that code and older ones are never accepted again.
second_factors = Table(
    "second_factors",
    metadata,
    Column("user", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("last_step", BigInteger, nullable=False),
)

# Those that have not been used.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
)

# Logins whose password was right and whose code is still to come.
half_logins = Table(
    "half_logins",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_half_logins_user", "user"),
)

# Who a user is at a provider of single sign-on, for whom that is where they log in.
identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Index("uq_identities_user", "user", unique=True),
)

# Logins that are under way at the provider: `state` and `browser` are digests.
sign_ons = Table(
    "sign_ons",
    metadata,
    Column("state", Text, primary_key=True),
    Column("browser", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("back", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_sign_ons_expires_at", "expires_at"),
)
