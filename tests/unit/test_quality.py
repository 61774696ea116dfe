"""Which contacts are drawn, what few reviews say, and the file of criteria."""

import hashlib
import random
from collections import Counter
from pathlib import Path

import pytest

from speedlead.domain.quality import Contact, QualityRules, Score, draw, score
from speedlead.quality.rulebook import QualityError, load_quality

RULES = load_quality()


def lot(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def contacts(**many: int) -> list[Contact]:
    return [Contact(f"call:{rep}-{n}", rep) for rep, number in many.items() for n in range(number)]


def test_each_rep_has_a_share_of_contacts_one_at_least_whatever_the_order() -> None:
    found = contacts(ann=100, ben=41, cem=1)
    drawn = draw(found, RULES, lot)
    assert Counter(one.rep_id for one in drawn) == {"ann": 5, "ben": 3, "cem": 1}
    shuffled = random.Random(7).sample(found, len(found))
    assert draw(shuffled, RULES, lot) == drawn
    assert draw(found, RULES.model_copy(update={"share": 0.0}), lot) == []
    # 7 % of 100 is 7 and not 8, which a float says it is
    assert len(draw(contacts(ann=100), RULES.model_copy(update={"share": 0.07}), lot)) == 7


def test_where_there_is_too_much_everybody_has_a_first_one_before_anybody_has_a_second() -> None:
    rules = RULES.model_copy(update={"share": 0.5, "most": 5})
    assert Counter(one.rep_id for one in draw(contacts(ann=100, ben=4, cem=2), rules, lot)) in (
        {"ann": 2, "ben": 2, "cem": 1}, )  # fmt: skip
    alone = rules.model_copy(update={"most": 2})
    assert len({one.rep_id for one in draw(contacts(ann=100, ben=4, cem=2), alone, lot)}) == 2


def test_over_many_weeks_every_contact_is_as_likely_as_any_other() -> None:
    rules = RULES.model_copy(update={"share": 0.1})
    drawn = Counter(
        one.key.partition(" ")[0]
        for week in range(600)
        for one in draw([Contact(f"{n} {week}", "ann") for n in range(10)], rules, lot)
    )
    assert sum(drawn.values()) == 600
    # chi-square with 9 degrees of freedom: above 27.9 once in a thousand
    assert sum((drawn[str(n)] - 60) ** 2 / 60 for n in range(10)) < 27.9


def test_an_interval_holds_for_few_contacts_and_for_equal_marks() -> None:
    assert score(0, None) == Score(0)
    all_right = score(3, 1.0)
    assert (all_right.mean, all_right.high) == (1.0, 1.0)
    assert all_right.low == pytest.approx(0.4385, abs=1e-4)  # 3 of 3 by Wilson
    half = score(10, 0.5)
    assert (half.low, half.high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))


def test_the_interval_holds_the_true_mean_of_marks() -> None:
    """By trying: contacts with marks of 0, 1 and 2 by four criteria, as the page has them."""
    dice, held = random.Random(11), 0
    chances = (0.1, 0.3, 0.6)
    for _ in range(400):
        values = [sum(dice.choices((0, 1, 2), chances, k=4)) / 8 for _ in range(8)]
        found = score(8, sum(values) / 8)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.75 <= found.high
    assert held >= 380


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("share: 5%", "share: 120%", "share: "),
        ("share: 5%", "share: some", "expected a share such as 2.5%"),
        ("most: 30", "most: 0", "most: "),
        ("id: tone", "id: correct", "criteria: expected ids that stand once each"),
        ("marks: [off-putting, correct, friendly and to the point]", "marks: [bad, good]", "criteria.3.marks.2: "),
        ("most: 30", "most: 30\nper_day: 3", "per_day: "),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (Path(load_quality.__code__.co_filename).parent / "default.yaml").read_text()
    assert old in text
    file = tmp_path / "quality.yaml"
    file.write_text(text.replace(old, new))
    with pytest.raises(QualityError) as refused:
        load_quality(file)
    assert str(refused.value).startswith(f"{file}:")
    assert said in str(refused.value)


def test_fewer_than_three_criteria_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        QualityRules(criteria=RULES.criteria[:2])
