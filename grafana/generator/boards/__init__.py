"""The pages, in the order in which one would open them."""

from typing import Final

from grafana.generator.boards.delivery import DELIVERY
from grafana.generator.boards.intake import INTAKE
from grafana.generator.boards.journal import JOURNAL
from grafana.generator.boards.load_test import LOAD_TEST
from grafana.generator.boards.risk import RISK

BOARDS: Final = (RISK, DELIVERY, JOURNAL, INTAKE, LOAD_TEST)
