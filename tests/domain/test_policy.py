"""Who may see and change what, as a table: every kind of viewer against every state of a mechanism."""

from dataclasses import replace

import pytest

from mechshare.domain import policy
from mechshare.domain.errors import AuthenticationRequired, MechanismNotFound, UnauthorizedOperation
from mechshare.domain.ids import UserId
from mechshare.domain.originals import OriginalMetadata
from mechshare.domain.processing import PENDING, READY, Processing, ProcessingState
from mechshare.domain.shares import Access
from mechshare.domain.users import Actor, Permission, Role
from mechshare.domain.visibility import Visibility
from tests.domain.values import AN_ORIGINAL, NOW, OTHER, OWNER, a_mechanism, a_user

VIEWERS = {
    "anonymous": None,
    "owner": Actor(id=OWNER, role=Role.USER),
    "other": Actor(id=OTHER, role=Role.USER),
    "moderator": Actor(id=OTHER, role=Role.MODERATOR),
    "admin": Actor(id=OTHER, role=Role.ADMIN),
}
FAILED = Processing(state=ProcessingState.FAILED)
MECHANISMS = {
    "published": a_mechanism(is_published=True, processing=READY),
    "pending": a_mechanism(processing=PENDING),
    "ready": a_mechanism(processing=READY),
    "failed": a_mechanism(processing=FAILED),
    "withdrawn": a_mechanism(processing=READY, withdrawn_reason="off topic"),
    "absent": None,
}
# seen / edited / withdrawn; `-`: looks absent, `x`: refused, `o`: allowed
TABLE = {
    ("anonymous", "published"): "o",
    ("anonymous", "pending"): "-",
    ("anonymous", "ready"): "-",
    ("anonymous", "failed"): "-",
    ("anonymous", "withdrawn"): "-",
    ("owner", "published"): "ooo",
    ("owner", "pending"): "ooo",
    ("owner", "ready"): "ooo",
    ("owner", "failed"): "ooo",
    ("owner", "withdrawn"): "ooo",
    ("other", "published"): "oxx",
    ("other", "pending"): "---",
    ("other", "ready"): "---",
    ("other", "failed"): "---",
    ("other", "withdrawn"): "---",
    ("moderator", "published"): "oxo",
    ("moderator", "pending"): "---",
    ("moderator", "ready"): "---",
    ("moderator", "failed"): "---",
    ("moderator", "withdrawn"): "oxo",
    ("admin", "published"): "ooo",
    ("admin", "pending"): "ooo",
    ("admin", "ready"): "ooo",
    ("admin", "failed"): "ooo",
    ("admin", "withdrawn"): "ooo",
    ("anonymous", "absent"): "-",
    ("owner", "absent"): "---",
    ("other", "absent"): "---",
    ("moderator", "absent"): "---",
    ("admin", "absent"): "---",
}
CELLS = [(viewer, state) for viewer in VIEWERS for state in MECHANISMS]


def outcome(decide, viewer, mechanism):
    try:
        assert decide(viewer, mechanism) is mechanism
    except MechanismNotFound:
        return "-"
    except UnauthorizedOperation:
        return "x"
    return "o"


def test_the_table_has_every_cell():
    assert set(TABLE) == set(CELLS)


@pytest.mark.parametrize(("viewer", "state"), CELLS)
def test_the_policy_agrees_with_the_table(viewer, state):
    decisions = [policy.require_visible, policy.require_editor, policy.require_withdrawer]
    applicable = decisions if VIEWERS[viewer] else decisions[:1]

    outcomes = "".join(outcome(decide, VIEWERS[viewer], MECHANISMS[state]) for decide in applicable)

    assert outcomes == TABLE[viewer, state]


@pytest.mark.parametrize(("viewer", "state"), [cell for cell in CELLS if cell[1] != "absent"])
def test_can_see_agrees_with_the_table(viewer, state):
    sees = policy.can_see(VIEWERS[viewer], MECHANISMS[state])
    assert sees is (TABLE[viewer, state][0] == "o")


AUDIENCES = {
    # viewer: what they see of a published private, internal, unlisted and public mechanism
    "anonymous": "--oo",
    "owner": "oooo",
    "other": "-ooo",
    "moderator": "-ooo",
    "admin": "oooo",
}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_published_mechanism_is_seen_by_the_audience_of_its_visibility(viewer):
    published = [replace(MECHANISMS["published"], visibility=visibility) for visibility in Visibility]
    sees = "".join("o" if policy.can_see(VIEWERS[viewer], each) else "-" for each in published)
    assert sees == AUDIENCES[viewer]


def test_lists_show_an_unlisted_mechanism_only_to_those_who_may_edit_it():
    unlisted = replace(MECHANISMS["published"], visibility=Visibility.UNLISTED)
    assert {name for name, viewer in VIEWERS.items() if policy.can_find(viewer, unlisted)} == {
        "owner",
        "admin",
    }
    assert policy.can_find(VIEWERS["other"], unlisted, Access.EDIT)
    assert not policy.can_find(VIEWERS["other"], unlisted, Access.READ)


@pytest.mark.parametrize(
    ("access", "state", "outcomes"),
    [
        (Access.READ, "published", "oxx"),
        (Access.READ, "ready", "---"),
        (Access.READ, "withdrawn", "---"),
        (Access.EDIT, "published", "oox"),
        (Access.EDIT, "ready", "oox"),
        (Access.EDIT, "withdrawn", "oox"),
    ],
)
def test_a_share_lets_read_what_is_published_or_edit_but_never_manage(access, state, outcomes):
    private = replace(MECHANISMS[state], visibility=Visibility.PRIVATE)
    decisions = (policy.require_visible, policy.require_editor, policy.require_manager)
    assert outcomes == "".join(
        outcome(lambda *given, decide=decide: decide(*given, access), VIEWERS["other"], private)
        for decide in decisions
    )


def test_reading_only_by_the_rights_of_an_admin_or_moderator_is_recognized():
    private = replace(MECHANISMS["published"], visibility=Visibility.PRIVATE)
    assert policy.sees_by_power(VIEWERS["admin"], private, None)
    assert policy.sees_by_power(VIEWERS["moderator"], MECHANISMS["withdrawn"], None)
    for viewer, mechanism, access in (
        ("owner", private, None),
        ("admin", MECHANISMS["published"], None),
        ("moderator", private, Access.READ),
        ("moderator", MECHANISMS["ready"], Access.EDIT),
    ):
        assert not policy.sees_by_power(VIEWERS[viewer], mechanism, access)


def test_hidden_and_absent_raise_the_same_error():
    with pytest.raises(MechanismNotFound) as hidden:
        policy.require_editor(VIEWERS["other"], MECHANISMS["ready"])
    with pytest.raises(MechanismNotFound) as absent:
        policy.require_editor(VIEWERS["other"], None)
    assert (hidden.value.message, hidden.value.facts) == (absent.value.message, absent.value.facts)


@pytest.mark.parametrize("state", [state for state in MECHANISMS if state != "absent"])
def test_only_the_user_id_decides_who_owns_a_mechanism(state):
    theirs = replace(MECHANISMS[state], user_id=OTHER)
    assert policy.require_editor(VIEWERS["other"], theirs) is theirs


ANYBODY = UserId("01900000-0000-7000-8000-00000000000c")


@pytest.mark.parametrize(
    ("viewer", "narrowed_to", "sees"),
    [
        ("anonymous", None, False),
        ("anonymous", OWNER, False),
        ("owner", None, False),
        ("owner", OWNER, True),
        ("owner", OTHER, False),
        ("moderator", OWNER, False),
        ("moderator", None, False),
        ("admin", None, False),
        ("admin", OWNER, True),
        ("admin", ANYBODY, True),
    ],
)
def test_a_list_shows_the_unpublished_to_their_owner_and_to_admins(viewer, narrowed_to, sees):
    assert policy.sees_unpublished_of(VIEWERS[viewer], narrowed_to) is sees


@pytest.mark.parametrize(
    ("owner", "follows"),
    [
        (a_user(), True),
        (a_user().suspended(NOW), False),
        (a_user(id=OTHER), False),
        (None, False),
    ],
)
def test_a_link_works_while_the_owner_has_an_account_that_is_not_suspended(owner, follows):
    assert policy.can_follow_link(MECHANISMS["ready"], owner) is follows


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("state", [state for state in MECHANISMS if state != "absent"])
def test_an_original_is_for_editors_and_if_offered_for_all_who_see_the_mechanism(viewer, state):
    mechanism, who = MECHANISMS[state], VIEWERS[viewer]
    offered = replace(mechanism, original=AN_ORIGINAL, original_offered=True)
    pending = replace(AN_ORIGINAL, metadata=OriginalMetadata.TO_BE_REMOVED)

    assert policy.can_download_original(who, offered) is policy.can_see(who, mechanism)
    for other in (replace(offered, original_offered=False), replace(offered, original=pending)):
        assert policy.can_download_original(who, other) is policy.can_edit(who, mechanism)
    assert not policy.can_download_original(who, replace(offered, original=None))


def test_moderators_and_admins_read_drafts_of_others():
    readers = {name for name, viewer in VIEWERS.items() if viewer and policy.reads_drafts_of_others(viewer)}
    assert readers == {"moderator", "admin"}


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("state", [state for state in MECHANISMS if state != "absent"])
def test_a_list_shows_no_mechanism_that_reading_one_would_hide(viewer, state):
    mechanism = MECHANISMS[state]
    if policy.sees_unpublished_of(VIEWERS[viewer], mechanism.user_id):
        assert policy.can_see(VIEWERS[viewer], mechanism)


@pytest.mark.parametrize("permission", Permission)
def test_every_actor_needs_the_required_permission(permission):
    with pytest.raises(AuthenticationRequired):
        policy.require_permission(None, permission)
    admin = VIEWERS["admin"]
    assert policy.require_permission(admin, permission) is admin


def test_a_refusal_names_the_missing_permission():
    with pytest.raises(UnauthorizedOperation) as refused:
        policy.require_permission(VIEWERS["other"], Permission.MANAGE_USERS)
    assert refused.value.facts == {"permission": "users:manage"}


def holder_of(held):
    """Returns an actor with this permission alone, as no role grants it today."""

    class Holder(Actor):
        def has_permission(self, permission):
            return permission is held

    return Holder(id=OTHER, role=Role.USER)


@pytest.mark.parametrize("held", Permission)
def test_managing_a_mechanism_of_somebody_else_needs_only_one_permission(held):
    holder, manages = holder_of(held), held is Permission.MANAGE_ANY_MECHANISM
    assert policy.can_edit(holder, MECHANISMS["published"]) is manages
    assert policy.can_see(holder, MECHANISMS["ready"]) is manages
    assert policy.sees_unpublished_of(holder, OWNER) is manages
    assert outcome(policy.require_editor, holder, MECHANISMS["published"]) == ("o" if manages else "x")


@pytest.mark.parametrize("held", Permission)
def test_withdrawing_a_mechanism_of_somebody_else_needs_only_one_permission(held):
    withdraws = held is Permission.WITHDRAW_ANY_MECHANISM
    assert outcome(policy.require_withdrawer, holder_of(held), MECHANISMS["published"]) == (
        "o" if withdraws else "x"
    )


@pytest.mark.parametrize(
    ("decide", "permission"),
    [
        (policy.require_editor, Permission.MANAGE_ANY_MECHANISM),
        (policy.require_withdrawer, Permission.WITHDRAW_ANY_MECHANISM),
    ],
)
def test_a_refused_change_of_a_mechanism_names_the_permission(decide, permission):
    with pytest.raises(UnauthorizedOperation) as refused:
        decide(VIEWERS["other"], MECHANISMS["published"])
    assert refused.value.facts == {"permission": permission.value}
