"""The magics by name. What each does stands in a module of its own."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from resilkit.ipython import chaos_magic, cluster_magic, experiment_magic, trace_magic
from resilkit.ipython.commands import told_in_short

__all__ = ["ResilkitMagics"]


@magics_class
class ResilkitMagics(Magics):
    """The magics of resilkit."""

    @line_magic
    def cluster(self, line: str) -> Any:  # noqa: D102 - its help is made from its grammar
        with told_in_short():
            return cluster_magic.run(self.shell, line)

    @cell_magic
    def chaos(self, line: str, cell: str) -> Any:  # noqa: D102 - likewise
        with told_in_short():
            return chaos_magic.run(self.shell, line, cell)

    @line_magic
    def run_experiment(self, line: str) -> Any:  # noqa: D102 - likewise
        with told_in_short():
            return experiment_magic.run(self.shell, line)

    @line_magic
    def trace(self, line: str) -> Any:  # noqa: D102 - likewise
        with told_in_short():
            return trace_magic.run(self.shell, line)


ResilkitMagics.chaos.__doc__ = chaos_magic.PARSER.format_help()
ResilkitMagics.cluster.__doc__ = cluster_magic.PARSER.format_help()
ResilkitMagics.run_experiment.__doc__ = experiment_magic.PARSER.format_help()
ResilkitMagics.trace.__doc__ = trace_magic.PARSER.format_help()
