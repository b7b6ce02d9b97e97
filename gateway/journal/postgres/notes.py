"""Small texts that are kept under a name."""

from gateway.journal.postgres.session import Session


async def remember(session: Session, name: str, value: str) -> None:
    """Keep a text."""
    await session.connection.execute(
        "INSERT INTO note (name, value) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )
    session.changed += 1


async def claim(session: Session, name: str, value: str) -> str:
    """Keep a text unless there is one under this name; what is there now."""
    await session.connection.execute(
        "INSERT INTO note (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value
    )
    session.be_sure()
    return str(await recall(session, name))


async def recall(session: Session, name: str) -> str | None:
    """The text, if there is one."""
    value: str | None = await session.connection.fetchval(
        "SELECT value FROM note WHERE name = $1", name
    )
    return value
