# SPDX-License-Identifier: Apache-2.0
"""The whole interface: which path and method does what.

Owns: the merge of all modules' ROUTES, and finding the handler of a request.
Must never: do what a handler does. Read first: ROUTES, then route.
"""

from ooi_ext.errors import MethodNotAllowed, NotFound, shown
from ooi_ext.handlers import entities, mixins, query, root
from ooi_ext.handlers.call import Handler, Routes

ROUTES: Routes = {
    **query.ROUTES,
    **entities.ROUTES,
    **mixins.ROUTES,
    **root.ROUTES,
}


def route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Return the handler for a request and the names that its path holds.

    A slash at the end does not count: clients differ. Raises NotFound or
    MethodNotAllowed.
    """
    parts = path.rstrip("/").split("/")
    for template, methods in ROUTES.items():
        wanted = template.split("/")
        if len(wanted) != len(parts):
            continue
        names = {w[1:-1]: p for w, p in zip(wanted, parts) if w.startswith("{")}
        if any(w != p and not w.startswith("{") for w, p in zip(wanted, parts)):
            continue
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allow = tuple(m for g in methods for m in (g, "HEAD")[: 1 + (g == "GET")])
            raise MethodNotAllowed(
                f"{shown(path)} does not know the method {shown(method)}.",
                allow=allow,
                mend=f"It knows {', '.join(allow)}.",
            )
        return handler, names
    raise NotFound(
        f"There is nothing at {shown(path)}.", mend="GET /-/ lists what there is."
    )
