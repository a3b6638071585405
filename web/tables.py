"""What the tables of the workbench show, read from the workshop."""

from dataclasses import dataclass

from tools.workshop import Workshop

Row = dict[str, object]


@dataclass(frozen=True)
class Table:
    """A title, its columns in NiceGUI's form, its rows and what is said when there are none."""

    title: str
    columns: list[dict[str, str]]
    rows: list[Row]
    empty: str


def model_table(workshop: Workshop) -> Table:
    """The registered models, newest first."""
    rows: list[Row] = [
        {
            "id": each.model_id,
            "name": each.name,
            "version": each.version,
            "aliases": ", ".join(each.aliases),
            "created": f"{each.created:%Y-%m-%d %H:%M}",
        }
        for each in workshop.registry.list()
    ]
    return Table("Models", _columns("id", "name", "version", "aliases", "created"), rows, "No model yet.")


def job_table(workshop: Workshop) -> Table:
    """The newest jobs."""
    rows: list[Row] = [
        {"id": each.job, "tool": each.tool, "state": each.state, "started": f"{each.created:%Y-%m-%d %H:%M}"}
        for each in workshop.jobs.list(20)
    ]
    return Table("Jobs", _columns("id", "tool", "state", "started"), rows, "No job yet.")


def dataset_table(workshop: Workshop) -> Table:
    """The imported datasets, newest first."""
    rows: list[Row] = [
        {"id": each.id, "name": each.name, "rows": each.rows, "target": each.target or "", "source": each.source}
        for each in workshop.datasets.list()
    ]
    return Table("Datasets", _columns("id", "name", "rows", "target", "source"), rows, "No dataset yet.")


def _columns(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "label": name.capitalize(), "field": name, "align": "left"} for name in names]
