"""Which migrations an image brings, what a database has had, and which releases those keep away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.runtime.migrations import (
    Listed,
    Migration,
    Standing,
    brought,
    in_the_way,
    one_way,
    parse,
    standing,
    together,
)

REVISIONS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,9}", fullmatch=True)
KINDS = st.sampled_from(["expand", "contract", "irreversible"])
LISTS = st.lists(st.builds(Migration, REVISIONS, KINDS), max_size=12, unique_by=lambda one: one.revision).map(tuple)
SOME = LISTS.filter(bool)


def listed(text: str) -> Listed:
    found = parse(text)
    assert found is not None
    return found


@given(SOME)
def test_a_list_is_read_as_it_was_written(one: Listed) -> None:
    assert parse(" ".join(map(str, one))) == one
    assert parse("\n".join(map(str, one)) + "\n") == one


@given(st.one_of(st.text(), st.text(alphabet="01:ex pand\n")))
def test_whatever_stands_in_a_label_is_a_list_or_none(text: str) -> None:
    found = parse(text)
    assert found is None or " ".join(map(str, found)) == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [None, "", "  ", "0001", "0001:", ":expand", "0001:expand,0002:expand", "0001:expand 0001:contract", "0001:Expand",
     "$(id):expand", "a b:expand", "0001:expand " * 10_000, '{"0001": "expand"}'],
)  # fmt: skip
def test_rubbish_is_no_list(text: str | None) -> None:
    assert parse(text) is None


@given(SOME, st.data())
def test_a_database_has_had_everything_up_to_its_revision_and_gets_the_rest(one: Listed, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(one) - 1))
    at = standing([one[place].revision], [one], recorded=None)
    assert (at.applied, at.doubt) == (one[: place + 1], "")
    assert brought(one, at) == one[place + 1 :]
    assert in_the_way(one, at.applied or ()) == (), "a release fits a database that has had only what it knows"


@given(SOME, st.data())
def test_after_a_restore_fewer_migrations_are_in_the_way(one: Listed, data: st.DataObject) -> None:
    now, then = sorted(data.draw(st.tuples(*[st.integers(0, len(one) - 1)] * 2)), reverse=True)
    own = one[: data.draw(st.integers(0, len(one)))]
    before, after = (standing([one[place].revision], [one, own], None).applied or () for place in (now, then))
    assert set(in_the_way(own, after)) <= set(in_the_way(own, before))


@given(LISTS, LISTS)
def test_only_one_way_migrations_that_a_release_does_not_know_are_in_its_way(own: Listed, applied: Listed) -> None:
    known = {each.revision for each in own}
    against = in_the_way(own, applied)
    assert against == tuple(each for each in one_way(applied) if each.revision not in known)
    assert all(each.kind != "expand" for each in against)


@given(SOME, LISTS, st.one_of(st.none(), LISTS))
def test_a_database_that_says_nothing_known_is_judged_by_the_record_and_never_without_a_doubt(
    one: Listed, other: Listed, recorded: Listed | None
) -> None:
    for heads, doubt in ((None, "not_asked"), (["~"], "unknown_revision")):
        found = standing(heads, [one, other], recorded)
        assert (found.applied, found.doubt) == (recorded, doubt)
    fresh = standing([], [one, other], recorded)
    assert (fresh.applied, fresh.doubt) == (recorded, "" if recorded == () else "no_revision")


@given(LISTS, LISTS)
def test_lists_together_have_each_migration_once_and_one_way_is_what_either_calls_so(
    one: Listed, other: Listed
) -> None:
    found = together(one, other)
    assert [each.revision for each in found] == list(dict.fromkeys(each.revision for each in (*one, *other)))
    never = {each.revision for each in (*one_way(one), *one_way(other))}
    assert {each.revision for each in one_way(found)} == never


def test_a_newer_release_s_list_tells_what_an_older_one_lacks() -> None:
    old, new = listed("0001:expand 0002:expand"), listed("0001:expand 0002:expand 0003:contract 0004:expand")
    at = standing(["0004"], [old, new], recorded=new)
    assert brought(old, at) == ()
    assert in_the_way(old, at.applied or ()) == (Migration("0003", "contract"),)


def test_a_database_with_several_heads_has_had_what_is_before_the_last_of_them() -> None:
    one = listed("a:expand b:contract c:expand d:expand")
    assert standing(["a", "c"], [one], None).applied == one[:3]
    assert standing(["c", "of-another-database"], [one], None) == Standing(one[:3], "", ("c", "of-another-database"))


def test_nobody_knows_what_is_new_where_nothing_is_known_of_the_database() -> None:
    assert brought(listed("0001:expand"), standing(None, (), None)) is None
