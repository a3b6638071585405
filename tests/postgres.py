"""A place of their own for tests in a PostgreSQL database that others use too."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from engine.database import driver_url


@contextmanager
def own_schema(url: str, name: str) -> Iterator[str]:
    """The URL of a new schema of the database at `url`, which is dropped with all that is in it."""
    schema = f"{name}_{secrets.token_hex(6)}"
    admin = sa.create_engine(driver_url(url), poolclass=sa.NullPool)
    with admin.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    try:
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
    finally:
        with admin.begin() as connection:
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
