"""The rules that every page keeps."""

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from grafana.generator.page import DATASOURCE_UID
from tests.grafana.pages import FILES, PAGES, ROOT, every_expression, every_panel, panels

UIDS = {
    "risk": "enrollment-gateway-risk",
    "delivery": "enrollment-gateway-delivery",
    "journal": "enrollment-gateway-journal",
    "intake": "enrollment-gateway-intake",
    "load-test": "enrollment-gateway-load-test",
}
UNITS = {"short", "suffix: /s", "s", "percentunit", "bytes", "Bps", "none"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
each_panel = pytest.mark.parametrize(
    "panel", [pytest.param(panel, id=name) for name, panel in every_panel()]
)
each_expression = pytest.mark.parametrize(
    "expr", [pytest.param(expr, id=name) for name, expr in every_expression()]
)


def test_the_uids_that_bookmarks_hold_never_change() -> None:
    assert {name: page["uid"] for name, page in PAGES.items()} == UIDS
    assert all(8 <= len(uid) <= 40 for uid in UIDS.values())


@each_page
def test_a_page_is_of_the_classic_schema_41(page: dict[str, Any]) -> None:
    assert page["schemaVersion"] == 41
    assert "id" not in page
    assert page["description"].endswith(".")


@each_page
def test_there_is_one_datasource_variable_and_one_of_the_instances(page: dict[str, Any]) -> None:
    datasource, instance = page["templating"]["list"]
    assert (datasource["name"], datasource["type"]) == ("datasource", "datasource")
    assert datasource["current"]["value"] == DATASOURCE_UID
    assert (instance["name"], instance["type"]) == ("instance", "query")
    assert instance["datasource"] == DATASOURCE
    assert instance["multi"]
    assert instance["includeAll"]


@each_page
def test_outages_and_recoveries_are_marked(page: dict[str, Any]) -> None:
    annotations = page["annotations"]["list"]
    assert [a["name"] for a in annotations] == ["Outages", "Recoveries"]
    for annotation in annotations:
        assert annotation["enable"]
        assert annotation["datasource"] == DATASOURCE
        assert "enrollment_gateway_upstream_transitions_total" in annotation["target"]["expr"]


@each_page
def test_no_panels_overlap_or_leave_the_grid(page: dict[str, Any]) -> None:
    for panel in page["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    for one, other in combinations(page["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (one["title"], other["title"])


@each_page
def test_panels_have_numbers_and_questions_of_their_own(page: dict[str, Any]) -> None:
    for name in ("id", "title"):
        counts = Counter(panel[name] for panel in page["panels"])
        assert max(counts.values()) == 1


@each_page
def test_every_line_of_the_grid_is_full(page: dict[str, Any]) -> None:
    lines: Counter[int] = Counter()
    for panel in panels(page):
        lines[panel["gridPos"]["y"]] += panel["gridPos"]["w"]
    assert set(lines.values()) == {24}


@each_panel
def test_a_panel_asks_a_question_and_says_how_to_read_the_answer(panel: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z].*\?", panel["title"])
    assert re.fullmatch(r"[A-Z0-9].{20,}\.", panel["description"])


@each_panel
def test_a_panel_has_a_unit(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@each_panel
def test_a_panel_asks_the_chosen_datasource_and_names_its_series(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == DATASOURCE
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert target["legendFormat"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


@each_panel
def test_thresholds_rise_from_the_least(panel: dict[str, Any]) -> None:
    first, *rest = (
        step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    )
    assert first is None
    assert rest == sorted(set(rest))


@each_panel
def test_a_single_number_is_the_present_one_and_says_whether_it_is_good(
    panel: dict[str, Any],
) -> None:
    single = panel["type"] == "stat"
    assert {target["instant"] for target in panel["targets"]} == {single}
    if single:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["color"] != "text"


@each_panel
def test_a_share_or_an_age_says_where_it_is_bad(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if defaults["unit"] in {"s", "percentunit"}:
        assert "red" in {step["color"] for step in defaults["thresholds"]["steps"]}


@each_expression
def test_ranges_follow_the_scrape_interval_or_the_time_shown(expr: str) -> None:
    assert set(re.findall(r"\[(.*?)\]", expr)) <= {"$__rate_interval", "$__range"}
    for function in ("rate", "increase", "deriv"):
        assert len(re.findall(rf"\b{function}\(", expr)) == len(
            re.findall(rf"\b{function}\([^()]*\[\$__\w+\]\)", expr)
        )


@each_panel
def test_only_single_numbers_sum_the_whole_time_shown(panel: dict[str, Any]) -> None:
    text = "".join(target["expr"] for target in panel["targets"])
    assert ("$__range]" in text) <= (panel["type"] == "stat")


@each_expression
def test_a_query_of_the_gateway_is_of_the_chosen_instances(expr: str) -> None:
    for selector in re.findall(r"enrollment_gateway_\w+(.*?\})?", expr):
        assert selector.startswith('{instance=~"$instance"')


def test_the_provisioning_fixes_uids_and_forbids_changes_from_the_page() -> None:
    source = (ROOT / "provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8")
    assert f"uid: {DATASOURCE_UID}\n" in source
    providers = (ROOT / "provisioning/dashboards/enrollment-gateway.yaml").read_text(
        encoding="utf-8"
    )
    assert "allowUiUpdates: true" not in providers
    folders = {path.parent.name for path in FILES}
    provided = re.findall(r"path: /etc/grafana/dashboards/(\S+)", providers)
    assert sorted(provided) == sorted(folders)
    assert providers.count("allowUiUpdates: false") == len(folders)
    assert len(re.findall(r"^    folderUid: \S+$", providers, re.MULTILINE)) == len(folders)
