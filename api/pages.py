"""Pages of reports, and files of models."""

from pathlib import Path

from engine.package_info import PackageFiles
from tools.catalogue import invoke
from tools.optimise import ExportedModel, OptimisedModel
from tools.workshop import Workshop

SAFE_PAGE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""The page loads nothing and runs nothing; what came from data must not either."""


def optimisation_page(workshop: Workshop, model: str) -> str:
    """The page of a model's optimisation.

    Raises:
        NotFound: no such model, or it was never optimised.
    """
    found = invoke(workshop, "show_optimisation", {"model": model})
    assert isinstance(found, OptimisedModel)
    return Path(found.report).read_text(encoding="utf-8")


def onnx_file(workshop: Workshop, model: str) -> Path:
    """The ONNX file of a model: the one that it is, or one that is made and checked now.

    Raises:
        NotFound: no such model.
        ExportFailed: there is no such file that answers as the model does.
    """
    path = workshop.registry.get(model).package / PackageFiles.ONNX
    if path.is_file():
        return path
    found = invoke(workshop, "export_model", {"model": model})
    assert isinstance(found, ExportedModel)
    return Path(found.out)
