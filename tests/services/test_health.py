import pytest


async def test_an_installation_that_works_says_so(world):
    checks = await world.app.health.check()
    assert [(check.name, check.is_up) for check in checks] == [
        ("database", True),
        ("blobs", True),
        ("search", True),
    ]
    assert all(check.detail for check in checks)


@pytest.mark.parametrize(("broken", "is_essential"), [("database", True), ("blobs", True), ("index", False)])
async def test_what_is_out_is_named_and_the_rest_still_checked(world, broken, is_essential):
    getattr(world, broken).is_down = True

    checks = await world.app.health.check()

    (down,) = [check for check in checks if not check.is_up]
    assert down.name == {"index": "search"}.get(broken, broken)
    assert down.is_essential is is_essential
    assert "does not answer" in down.detail
    assert len(checks) == 3
