"""`/projects` and what belongs to them: characters, variants, scene types, locations, as their newest run defines them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Rest, routes

projects = routes("projects")
router = routes("library")
OfProject = Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only those of this project.")]


@projects.get("/projects", response_model=given.Page[given.Project])
def list_projects(rest: Rest, limit: paging.Limit = 50, cursor: paging.Cursor = None) -> object:
    """Projects, newest first."""
    return paging.page("project", rest.listings.projects(paging.edge_of("project", cursor), limit))


@projects.get("/projects/{project_id}", response_model=given.Project)
def read_project(project_id: asked.Id, rest: Rest) -> object:
    """One project."""
    return rest.listings.project(project_id)


def _add(path: str, table: str, name: str) -> None:
    """The list of one library, and one entry of it."""

    def entries(rest: Rest, project: OfProject = None, limit: paging.Limit = 100, cursor: paging.Cursor = None) -> object:
        if project is not None:
            rest.listings.project(project)
        return paging.page(table, rest.listings.library(table, paging.edge_of(table, cursor), limit, project_id=project))

    def entry(entry_id: asked.Id, rest: Rest) -> object:
        return rest.listings.library_entry(table, entry_id)

    entries.__doc__ = f"{name.capitalize()}s of all projects, or of one."
    entry.__doc__ = f"One {name}, as the newest run of its project defines it."
    what = table.removesuffix("s")
    router.add_api_route(path, entries, name=f"list_{table}", response_model=given.Page[given.LibraryEntry])
    router.add_api_route(f"{path}/{{entry_id}}", entry, name=f"read_{what}", response_model=given.LibraryEntry)


_add("/characters", "characters", "character")
_add("/variants", "variants", "variant")
_add("/scene-types", "scene_types", "scene type")
_add("/locations", "locations", "location")
