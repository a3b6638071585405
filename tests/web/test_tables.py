"""The tables hold what the workshop holds."""

from tools.workshop import Workshop
from web.tables import dataset_table, job_table, model_table


def test_an_empty_home_gives_empty_tables_that_say_so(workshop: Workshop) -> None:
    tables = [read(workshop) for read in (model_table, job_table, dataset_table)]
    assert [table.rows for table in tables] == [[], [], []]
    assert [table.empty for table in tables] == ["No model yet.", "No job yet.", "No dataset yet."]


def test_a_dataset_is_a_row_with_a_value_for_every_column(workshop: Workshop) -> None:
    dataset = workshop.datasets.import_source("sample:diabetes")
    table = dataset_table(workshop)
    assert [row["id"] for row in table.rows] == [dataset.id]
    assert set(table.rows[0]) == {column["field"] for column in table.columns}
