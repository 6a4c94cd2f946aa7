"""A panel's front end alone in a page, with a model that only pretends to have a kernel."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Page

from resilkit_widgets.panel import STATIC

__all__ = ["PATIENCE_MS", "ModulePage", "sent"]

PATIENCE_MS = 20_000

_FAKE = """
window.makeModel = (traits) => {
  const listeners = {};
  return {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      this.happens(`change:${name}`);
      this.happens("change");
    },
    happens(event) { for (const listener of listeners[event] ?? []) listener(); },
    save_changes() { window.saved = { ...traits, frame: null }; },
    on(event, listener) { (listeners[event] ??= []).push(listener); },
    off(event, listener) { listeners[event] = listeners[event].filter((one) => one !== listener); },
    send(content) { (window.asked ??= []).push(content); },
    heard: () => Object.values(listeners).flat().length,
  };
};
window.traitOf = (value) => value && value.bytes !== undefined
  ? new DataView(Uint8Array.from(atob(value.bytes), (each) => each.charCodeAt(0)).buffer)
  : value;
window.show = async (code, traits) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  for (const name of Object.keys(traits)) traits[name] = window.traitOf(traits[name]);
  window.model = window.makeModel(traits);
  window.end = widget.render({ model: window.model, el: document.getElementById("panel") });
};
"""


class ModulePage:
    """One panel in an empty page.

    Args:
        page: The page.
        name: The panel's bundle.
        theme: ``"light"`` or ``"dark"``, as JupyterLab tells it.
        width: Of the page, in pixels.
        clock: Whether time passes only as the test says; see playwright's ``page.clock``.
        **traits: What the kernel's side has.
    """

    def __init__(
        self, page: Page, name: str, *, theme: str = "light", width: int = 900,
        clock: bool = False, **traits: Any,
    ) -> None:  # fmt: skip
        self.page = page
        if clock:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        page.set_viewport_size({"width": width, "height": 700})
        style = (STATIC / f"{name}.css").read_text(encoding="utf-8")
        page.set_content(
            f'<!doctype html><body data-jp-theme-light="{str(theme == "light").lower()}">'
            f'<style>{style}</style><div id="panel"></div></body>'
        )
        page.evaluate(f"() => {{{_FAKE}}}")
        code = (STATIC / f"{name}.js").read_text(encoding="utf-8")
        known = {"error": "", "state": "live", "sent": 0, "acknowledged": 0} | traits
        traits = {key: sent(value) for key, value in known.items()}
        page.evaluate("([code, traits]) => window.show(code, traits)", [code, traits])

    def set(self, name: str, value: Any) -> None:
        """Set a trait, as the kernel does."""
        self.page.evaluate(
            "([name, value]) => window.model.set(name, window.traitOf(value))", [name, sent(value)]
        )

    def get(self, name: str) -> Any:
        """Return a trait."""
        return self.page.evaluate("name => window.model.get(name)", name)

    def wait(self, condition: str) -> None:
        """Return when a condition in JavaScript is true; ``root`` is the panel."""
        root = "const root = document.querySelector('.rk-panel');"
        self.page.wait_for_function(f"() => {{ {root} return {condition}; }}", timeout=PATIENCE_MS)

    def asked(self) -> list[dict[str, Any]]:
        """Return what the panel has asked the kernel for."""
        return list(self.page.evaluate("() => window.asked ?? []"))

    def end(self) -> None:
        """End the view, as closing the output does."""
        self.page.evaluate("() => window.end()")

    def colours(self) -> set[str]:
        """Return the opaque colours of the first chart, as hex."""
        return set(self.page.evaluate(_COLOURS))

    def drawn_at(self, share: tuple[float, float]) -> int:
        """Return how many of the pixels around a place in the first chart's area are not empty."""
        return int(self.page.evaluate(_DRAWN_AT, share))


_PIXELS = """
  const canvas = document.querySelector("canvas");
  const pixels = (...box) => canvas.getContext("2d").getImageData(...box).data;
"""
_COLOURS = f"""() => {{ {_PIXELS}
  const data = pixels(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) {{
    if (data[at + 3] === 255) {{
      found.add("#" + [0, 1, 2].map((i) => data[at + i].toString(16).padStart(2, "0")).join(""));
    }}
  }}
  return [...found];
}}"""
_DRAWN_AT = f"""([x, y]) => {{ {_PIXELS}
  const outer = canvas.getBoundingClientRect();
  const inner = document.querySelector(".u-over").getBoundingClientRect();
  const left = (inner.left - outer.left + x * inner.width) * devicePixelRatio;
  const top = (inner.top - outer.top + y * inner.height) * devicePixelRatio;
  const data = pixels(left - 4, top - 4, 8, 8);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length;
}}"""


def sent(value: Any) -> Any:
    """Return a trait's value as it goes to the page, where ``traitOf`` makes it what it was."""
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
