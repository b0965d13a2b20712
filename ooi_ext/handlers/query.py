# SPDX-License-Identifier: Apache-2.0
"""The query interface: what this service can do (GFD.223 section 9).

Owns: GET /-/ and its other path. Must never: know how a category is written.
Read first: query_interface.
"""

from dataclasses import replace

from ooi_ext import kinds, translate
from ooi_ext.handlers.call import Answer, Call, Handler, Routes
from ooi_ext.model import Action, Kind, Mixin, QueryInterface


def query_interface(call: Call) -> Answer:
    """Answer with all kinds, actions, mixins and templates."""
    templates = [translate.flavor_mixin(flavor) for flavor in call.nova.flavors()]
    images = call.services.images(call.auth)
    templates += [translate.image_mixin(image) for image in images]
    categories = (*kinds.ADVERTISED, *templates)
    return Answer(body=QueryInterface(tuple(_located(call, c) for c in categories)))


def _located(call: Call, category: Kind | Mixin | Action) -> Kind | Mixin | Action:
    if isinstance(category, Action):
        return category
    return replace(category, location=call.url(category.location))


ROUTES: Routes = {
    "/-": {"GET": Handler(query_interface)},
    "/.well-known/org/ogf/occi/-": {"GET": Handler(query_interface)},
}
