# SPDX-License-Identifier: Apache-2.0
"""The paths of Glance's API v2, and what each gives access to.

Owns: the table as data, with the reason for what is not obvious. Must never
import Glance: a test compares it with the router of the installed one. Read
first: ROUTES.

An `image` is the caller's own, for this table, if the user may see it: it is the
user's, or everybody's (public, community), or of another project, for which
Glance decides. What may be done to it is left to Glance's policy, which sees the
owner of each image. `own_image` is the user's alone.
"""

from vo_policy_ext.routes import Access, Route, Table

IMAGES = "/v2/images"
IMAGE = "/v2/images/{image}"
STORED = "/v2/stores/{store}/{image}"

# The services of a site share the images of their own project (a load balancer's,
# say), whoever of them or of the admins has brought one in.
_ANY = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def _open(*paths: str) -> tuple[Route, ...]:
    return tuple(Route(path=path, access=Access.OPEN) for path in paths)


def _image(path: str, *, auditor: bool = True) -> Route:
    return Route(path=path, access=Access.OWNED, auditor=auditor, service=_ANY)


def _operator(*paths: str) -> tuple[Route, ...]:
    return tuple(
        Route(path=path, access=Access.PROJECT, auditor=False) for path in paths
    )


_METADEFS = "/v2/metadefs/namespaces/{namespace}"

ROUTES = (
    # Glance looks at each image of the list by the rule get_image, and leaves out
    # what it denies. Here only the marker is checked.
    Route(path=IMAGES, access=Access.OPEN, service=_ANY),
    _image(IMAGE),
    # What an auditor has no use for: the bytes.
    _image(IMAGE + "/file", auditor=False),
    _image(IMAGE + "/stage", auditor=False),
    _image(IMAGE + "/import"),
    _image(IMAGE + "/actions/deactivate"),
    _image(IMAGE + "/actions/reactivate"),
    _image(IMAGE + "/tags/{tag}"),
    _image(IMAGE + "/members"),
    _image(IMAGE + "/members/{member}"),
    # Where the bytes are in the store. Glance keeps the reading for services.
    _image(IMAGE + "/locations", auditor=False),
    # Glance shows the tasks to whoever sees the image: with the address, and its
    # password, that it was imported from.
    _image("/v2/images/{own_image}/tasks", auditor=False),
    # Its first parameter is no image: the filter looks at the second.
    Route(path=STORED, access=Access.OPEN, service=_ANY),
    # For admins only, as Glance has it: a task may import an image for anybody.
    *_operator(
        "/v2/tasks",
        "/v2/tasks/{id}",
        "/v2/cache",
        "/v2/cache/clean",
        "/v2/cache/prune",
        "/v2/cache/nodes/{id}",
        "/v2/cache/{id}",
    ),
    # The site's, the same to all. The usage is a sum over the project: what is
    # left for each is what is left for all.
    *_open(
        "/",
        "/v2/info/import",
        "/v2/info/stores",
        "/v2/info/stores/detail",
        "/v2/info/usage",
        "/v2/schemas/image",
        "/v2/schemas/images",
        "/v2/schemas/member",
        "/v2/schemas/members",
        "/v2/schemas/task",
        "/v2/schemas/tasks",
        "/v2/schemas/metadefs/{name}",
    ),
    # Definitions of metadata belong to a project, and Glance stores no user with
    # them. By Glance's own rules admins alone write them.
    *_open(
        "/v2/metadefs/resource_types",
        "/v2/metadefs/namespaces",
        _METADEFS,
        _METADEFS + "/resource_types",
        _METADEFS + "/resource_types/{name}",
        _METADEFS + "/properties",
        _METADEFS + "/properties/{name}",
        _METADEFS + "/objects",
        _METADEFS + "/objects/{name}",
        _METADEFS + "/tags",
        _METADEFS + "/tags/{name}",
    ),
)

TABLE = Table(ROUTES)
