"""Who owns what, for how much longer, and may a write that carries a fence still be made?

A lease is a row: it ends by itself unless its owner renews it, so that an owner that died keeps nobody waiting for
ever. Every acquisition raises the token, and the row stays, so that tokens never fall. The first token of a name is
the time in milliseconds: a ledger that was restored from a copy, or begun anew, goes on above the tokens that a
warehouse remembers.

Where several hosts share the ledger, the time is the database's own: hosts whose clocks are wrong agree on it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, or_, select

from augury.errors import Fenced
from augury.fences import Fence
from augury.ledger import tables
from augury.ledger.database import columns_of, records, storable
from augury.ledger.part import Part
from augury.ledger.verbs import repeatable

_OF = tables.leases.c
_NOBODY = ""
"""Owner of a lease that was released."""


@dataclass(frozen=True)
class Lease:
    name: str
    owner: str
    """Never empty, and never used by two at a time."""
    token: int
    expires_at: datetime
    """By the ledger's clock."""
    info: str = ""
    """Whatever the owner wants others to know."""

    @property
    def fence(self) -> Fence:
        return Fence(self.name, self.token)


class Leases(Part):
    """`now` is the time of the host; where the database has one that everybody shares, that one counts instead."""

    @repeatable
    def acquire(self, name: str, owner: str, seconds: float, now: datetime, info: str = "") -> Lease | None:
        """The lease called `name` for so many seconds; None where another owner has it.

        An owner that has it already gets it again, under a higher token.
        """
        with self._database.write() as connection:
            at = self._database.now(connection, now)
            wanted = {
                "name": name,
                "owner": storable(owner),
                "token": int(at.timestamp() * 1000),
                "expires_at": at + timedelta(seconds=seconds),
                "info": storable(info),
            }
            insert = self._database.insert(tables.leases)
            new = insert.excluded
            raised = case((_OF.token >= new.token, _OF.token + 1), else_=new.token)
            free = or_(_OF.owner == _NOBODY, _OF.owner == new.owner, _OF.expires_at <= at)
            statement = insert.on_conflict_do_update(
                index_elements=[_OF.name],
                set_={"owner": new.owner, "token": raised, "expires_at": new.expires_at, "info": new.info},
                where=free,
            ).returning(_OF.token)
            token = connection.execute(statement, wanted).scalar_one_or_none()
        return None if token is None else Lease(**{**wanted, "token": token})

    def renew(self, lease: Lease, seconds: float, now: datetime) -> bool:
        """Let a lease last so many seconds from now. False where it ended before, or where another owner has it."""
        return bool(self.renew_all([lease], seconds, now))

    @repeatable
    def renew_all(self, leases: Collection[Lease], seconds: float, now: datetime) -> frozenset[Fence]:
        """`renew` for several; the fences of those that last."""
        with self._database.write() as connection:
            at = self._database.now(connection, now)
            until = at + timedelta(seconds=seconds)
            # In one order, so that two that renew never wait for each other.
            return frozenset(
                lease.fence
                for lease in sorted(leases, key=lambda lease: lease.name)
                if connection.execute(_RENEW, {**_mine(lease), "at": at, "until": until}).rowcount
            )

    @repeatable
    def release(self, lease: Lease) -> None:
        """Hand a lease back. One that ended, or that another owner has, is left alone."""
        with self._database.write() as connection:
            connection.execute(_RELEASE, _mine(lease))

    def holder(self, name: str, now: datetime) -> Lease | None:
        """Who has the lease called `name`; None where nobody does."""
        return self.leases(now, [name]).get(name)

    @repeatable
    def leases(self, now: datetime, names: Collection[str] | None = None) -> dict[str, Lease]:
        """Leases that somebody has, by name: of these names, or all."""
        query = columns_of(Lease, tables.leases).where(_OF.owner != _NOBODY)
        if names is not None:
            query = query.where(_OF.name.in_(names))
        with self._database.read() as connection:
            at = self._database.now(connection, now)
            found = records(connection, Lease, query.where(_OF.expires_at > at).order_by(_OF.name))
        return {lease.name: lease for lease in found}

    @repeatable
    def forget_leases(self, prefix: str, ended_before: datetime) -> int:
        """Delete leases whose name begins with `prefix` and that ended before; how many. For names that are used once:
        whoever still writes under one of them is refused."""
        which = _OF.name.startswith(prefix, autoescape=True) & (_OF.expires_at < ended_before)
        with self._database.write() as connection:
            return connection.execute(tables.leases.delete().where(which)).rowcount


def check_fence(connection: Connection, fence: Fence | None) -> None:
    """Raise Fenced unless the lease is still the one that `fence` was given for. It cannot change hands before the
    caller's transaction ends."""
    if fence is None:
        return
    query = select(_OF.token, _OF.owner).where(_OF.name == fence.name).with_for_update(read=True)
    found = connection.execute(query).one_or_none()
    if found is None or found.token != fence.token or found.owner == _NOBODY:
        raise Fenced(f"{fence.name} belongs to another run by now")


def _mine(lease: Lease) -> dict[str, object]:
    return {"of_name": lease.name, "of_token": lease.token, "of_owner": lease.owner}


_HELD = (_OF.name == bindparam("of_name")) & (_OF.token == bindparam("of_token")) & (_OF.owner == bindparam("of_owner"))
_RENEW = tables.leases.update().where(_HELD, _OF.expires_at > bindparam("at")).values(expires_at=bindparam("until"))
_RELEASE = tables.leases.update().where(_HELD).values(owner=_NOBODY)
