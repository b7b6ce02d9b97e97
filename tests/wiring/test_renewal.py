"""The operators' token is taken from its file again while the gateway runs."""

from functools import partial
from pathlib import Path

from structlog.testing import capture_logs

from gateway.admin.token import Bearer, load
from gateway.files import replace_file
from gateway.wiring.renewal import Renewal

OLD, NEW = "the-old-token-of-operators", "the-new-token-of-operators"


def renewed(file: Path, bearer: Bearer) -> Renewal[str]:
    async def use(secret: str) -> None:
        bearer.renew(secret)

    return Renewal("admin.token_file", (file,), make=partial(load, file), use=use, what="token")


async def test_a_new_token_is_taken_and_the_old_one_is_worthless(tmp_path: Path) -> None:
    file = tmp_path / "token"
    replace_file(file, OLD)
    bearer = Bearer(load(file))
    renewal = renewed(file, bearer)
    await renewal.look()
    replace_file(file, NEW)
    with capture_logs() as told:
        for _ in range(3):
            await renewal.look()
    assert not bearer.admits(f"Bearer {OLD}")
    assert bearer.admits(f"Bearer {NEW}")
    assert [each["event"] for each in told] == ["token_taken"]
    assert NEW not in str(told)


async def test_a_file_that_holds_no_token_or_is_gone_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "token"
    replace_file(file, OLD)
    bearer = Bearer(load(file))
    renewal = renewed(file, bearer)
    for content in ("short", None):
        if content is None:
            file.unlink()
        else:
            replace_file(file, content)
        with capture_logs() as told:
            for _ in range(3):
                await renewal.look()
        assert bearer.admits(f"Bearer {OLD}")
        assert [each["event"] for each in told] == ["token_not_taken"]


async def test_asked_for_it_is_taken_at_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    replace_file(file, OLD)
    bearer = Bearer(load(file))
    renewal = renewed(file, bearer)
    replace_file(file, NEW)
    await renewal.look(anyway=True)
    assert bearer.admits(f"Bearer {NEW}")
